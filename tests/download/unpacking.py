"""Archives of every kind, and a folder to unpack them in that is watched."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from audiomnist.download.archive import Limits, unpack
from tests.download.small_corpora import SMALL_AUDIOMNIST, tar_bytes, zip_bytes

CLIP = "data/01/0_01_0.wav"
FORMATS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zip_bytes,
    "tar.gz": tar_bytes,
}


class Unpacker:
    """Unpacks into a folder whose surroundings are watched."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "unpacked"
        self.folder.mkdir()
        self.steps: list[tuple[int, int | None]] = []

    def __call__(self, content: bytes, limits: Limits | None = None) -> list[str]:
        archive = self.home / "archive"
        archive.write_bytes(content)
        try:
            return unpack(
                archive,
                self.folder,
                SMALL_AUDIOMNIST.place,
                progress=lambda done, total: self.steps.append((done, total)),
                limits=limits,
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
