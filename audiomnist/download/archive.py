"""Unpack the wanted files of an archive that nobody vouches for, or copy those of a folder.

Nothing in an archive becomes a path: `Source.place` says where a wanted file goes. What is refused below is what
no corpus has, whether wanted or not.
"""

import errno
import gzip
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from audiomnist.download.sources import Progress
from audiomnist.errors import DataError

Place = Callable[[str], str | None]
"""From a file's path in an archive to its relative path in the corpus, or None for a file not wanted."""

_CHUNK_BYTES = 1 << 18
_LARGEST_HEADER_BYTES = 1 << 20
_LONGEST_NAME = 1024
_UNSAFE_NAME = re.compile(r"/|[A-Za-z]:|(.*/)?\.\.(/|$)|.*[\\\x00-\x1f\x7f]", re.DOTALL)
# Encrypted, strongly encrypted, and with an encrypted directory (APPNOTE.TXT, section 4.4.4).
_ZIP_ENCRYPTION_FLAGS = 0x0001 | 0x0040 | 0x2000
# Whatever the readers of the standard library raise when bytes are not what they should be.
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, LookupError, ArithmeticError),
    *(RuntimeError, MemoryError),
)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold at most.

    Attributes
    ----------
    entries : int
        Files and folders, wanted or not.
    unpacked_bytes : int
        All files together.
    ratio : float
        Unpacked bytes for each byte of the archive.
    """

    entries: int = 200_000
    unpacked_bytes: int = 1 << 33
    ratio: float = 200.0


@dataclass(frozen=True)
class _Entry:
    """A file or folder in an archive; ``objection`` says why it must not be unpacked."""

    name: str
    size_bytes: int
    is_folder: bool
    objection: str
    open: Callable[[], IO[bytes] | None]


class _Places:
    """Gives each wanted file its place, and no place twice."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._taken: dict[str, str] = {}

    def __call__(self, name: str) -> str | None:
        destination = self._place(name)
        if destination is None:
            return None
        # Some file systems do not tell upper from lower case.
        other = self._taken.setdefault(destination.casefold(), name)
        if other is not name:
            raise DataError(f"'{other}' and '{name}' would both become {destination}", "remove one of the two")
        return destination


def unpack(archive: Path, folder: Path, place: Place, *, progress: Progress, limits: Limits | None = None) -> list[str]:
    """Unpack the wanted files of an archive into a folder.

    Parameters
    ----------
    archive : Path
        A zip, or a tar compressed with gzip; recognised by its content.
    folder : Path
        Where the files go; on an error it holds what was unpacked until then.
    progress : callable
        Receives the bytes of the archive that are read.

    Returns
    -------
    list of str
        Names of the files that were not wanted.

    Raises
    ------
    DataError
        If it is no archive, is damaged or encrypted, exceeds the limits, or holds an entry that has no business
        in a corpus: a path that leads elsewhere, a link, a device, or two files for one place.
    """
    limits = limits or Limits()
    places = _Places(place)
    unwanted: list[str] = []
    count = unpacked_bytes = 0
    archive_bytes = archive.stat().st_size
    most_bytes = min(limits.unpacked_bytes, int(archive_bytes * limits.ratio))
    with archive.open("rb") as raw, _damage_explained(archive):
        for entry in _entries(raw, archive, most_bytes):
            count += 1
            unpacked_bytes += entry.size_bytes
            if count > limits.entries:
                raise _refused(archive, f"holds more than {limits.entries:,} entries")
            if unpacked_bytes > most_bytes:
                raise _refused(archive, f"unpacks to more than {most_bytes:,} bytes")
            if not entry.name or len(entry.name) > _LONGEST_NAME or _UNSAFE_NAME.match(entry.name):
                raise _refused(archive, f"holds the path {entry.name[:80]!r}, which may lead out of the folder")
            if entry.objection:
                raise _refused(archive, f"holds '{entry.name}', which {entry.objection}")
            if entry.is_folder:
                continue
            destination = places(entry.name)
            if destination is None:
                unwanted.append(entry.name)
                continue
            _write(entry, folder / destination)
            progress(min(raw.tell(), archive_bytes), archive_bytes)
    progress(archive_bytes, archive_bytes)
    return unwanted


def copy_wanted(origin: Path, folder: Path, place: Place, *, progress: Progress) -> list[str]:
    """Copy the wanted files of a folder into another; links to folders are not followed.

    Returns
    -------
    list of str
        Relative paths of the files that were not wanted.

    Raises
    ------
    DataError
        If two files would have the same place.
    """
    places = _Places(place)
    wanted: list[tuple[Path, str]] = []
    unwanted: list[str] = []
    for parent, _, names in os.walk(origin, onerror=_raise):
        for name in sorted(names):
            path = Path(parent, name)
            relative = path.relative_to(origin).as_posix()
            destination = places(relative) if path.is_file() else None
            if destination is None:
                unwanted.append(relative)
            else:
                wanted.append((path, destination))
    total_bytes = sum(path.stat().st_size for path, _ in wanted)
    done_bytes = 0
    for path, destination in wanted:
        target = folder / destination
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        done_bytes += target.stat().st_size
        progress(done_bytes, total_bytes)
    return unwanted


def _raise(error: OSError) -> None:
    raise error


def _write(entry: _Entry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = entry.open()
    if source is None:
        raise tarfile.ReadError(f"'{entry.name}' has no content")
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)


def _entries(raw: IO[bytes], archive: Path, most_bytes: int) -> Iterator[_Entry]:
    """Give the entries in the archive's order; each is to be read before the next is asked for."""
    start = raw.read(16)
    raw.seek(0)
    if start.startswith(b"PK"):
        return _zip_entries(raw)
    if start.startswith(b"\x1f\x8b"):
        return _tar_entries(raw, most_bytes)
    raise DataError(
        f"{archive} is neither a zip nor a tar.gz; it begins with {start!r}",
        "give a .zip, a .tar.gz, or the folder it unpacks to",
    )


def _zip_entries(raw: IO[bytes]) -> Iterator[_Entry]:
    # zipfile reads no more of an entry than its declared size, and compares that with its checksum.
    with zipfile.ZipFile(raw) as opened:
        for info in opened.infolist():
            objection = ""
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                objection = "is a link or a device"
            elif info.flag_bits & _ZIP_ENCRYPTION_FLAGS:
                objection = "is encrypted"
            elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                objection = "is compressed in an unusual way"
            yield _Entry(info.orig_filename, info.file_size, info.is_dir(), objection, partial(opened.open, info))


class _TarBytes(gzip.GzipFile):
    """What a tar.gz unpacks to; refuses headers, which tarfile reads at once, of a size that none has."""

    last_read = b""
    left_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        bound = _LARGEST_HEADER_BYTES if size is None or size < 0 else size
        self.left_bytes -= bound
        if bound > _LARGEST_HEADER_BYTES or self.left_bytes < 0:
            raise ValueError("it has a larger header, or more content, than any honest archive")
        self.last_read = super().read(bound)
        return self.last_read


def _tar_entries(raw: IO[bytes], most_bytes: int) -> Iterator[_Entry]:
    stream = _TarBytes(fileobj=raw, mode="rb")
    stream.left_bytes = 2 * most_bytes + 64 * _LARGEST_HEADER_BYTES
    with tarfile.open(fileobj=stream, mode="r:") as opened:
        while (member := opened.next()) is not None:
            is_plain = (member.isreg() or member.isdir()) and not member.issparse() and member.size >= 0
            objection = "" if is_plain else "is a link, a device or a sparse file"
            yield _Entry(
                member.name, max(member.size, 0), member.isdir(), objection, partial(opened.extractfile, member)
            )
            opened.members = []  # type: ignore[attr-defined]  # tarfile keeps them all, with names of any length
    # tarfile takes a damaged header for the end of the archive; the true end is a block of zeros.
    if stream.last_read != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it ends in the middle")
    while stream.read(_CHUNK_BYTES):
        pass  # The checksum is at the end.


@contextmanager
def _damage_explained(archive: Path) -> Iterator[None]:
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        # Damage has no number, or is a place in the file that cannot be (EINVAL); other numbers come from the disk.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = str(error) or type(error).__name__
        raise DataError(f"{archive} is damaged: {reason}", "fetch the archive again") from error


def _refused(archive: Path, why: str) -> DataError:
    return DataError(f"{archive} {why}", "do not use this archive; fetch the corpus from its own source")
