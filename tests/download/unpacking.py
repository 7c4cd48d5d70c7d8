"""Archives, and a folder to unpack them in whose surroundings are watched."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from audiomnist.download.archive import archive_files, take
from tests.download.small_corpora import SMALL_AUDIOMNIST, tar_bytes, zip_bytes

CLIP = "data/01/0_01_0.wav"
FORMATS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zip_bytes,
    "tar.gz": tar_bytes,
}


class Unpacker:
    """Unpacks into a folder and sees to it that nothing appears beside it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "unpacked"
        self.folder.mkdir()
        self.steps: list[tuple[int, int | None]] = []

    def __call__(self, content: bytes) -> list[str]:
        archive = self.home / "archive"
        archive.write_bytes(content)
        try:
            return take(
                archive_files(archive),
                self.folder,
                SMALL_AUDIOMNIST.place,
                name="the archive",
                progress=lambda done, total: self.steps.append((done, total)),
            )
        finally:
            assert sorted(path.name for path in self.home.iterdir()) == ["archive", "unpacked"]

    @property
    def files(self) -> dict[str, bytes]:
        found = [path for path in self.folder.rglob("*") if not path.is_dir()]
        assert not any(path.is_symlink() for path in found)
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


def zip_of(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for info, content in entries:
            opened.writestr(info, content)
    return archive.getvalue()


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member


def tar_of(*members: tarfile.TarInfo) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as opened:
        for member in members:
            opened.addfile(member, io.BytesIO() if member.isreg() else None)
    return archive.getvalue()
