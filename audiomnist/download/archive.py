"""Take the wanted files out of a zip, a tar.gz or a folder that anybody may have made.

No path of an archive is ever written to: `Source.place` says where a wanted file goes, the rest is passed over.
"""

import errno
import gzip
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from audiomnist.errors import DataError
from audiomnist.progress import Show

MOST_FILES = 500_000
MOST_BYTES = 1 << 33

_CHUNK_BYTES = 1 << 18
_LONGEST_HEADER_BYTES = 1 << 20
# Whatever the readers of the standard library raise when bytes are not what they should be.
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, LookupError),
    *(ArithmeticError, RuntimeError, MemoryError, OSError),
)


class File(NamedTuple):
    """A file of an archive, a folder or a table.

    Attributes
    ----------
    path : str
        Where it lies there.
    size_bytes : int
        Of its content.
    position, end : int
        How far reading has come, of how many bytes.
    open : callable
        Returns its content; None for links and the like.
    """

    path: str
    size_bytes: int
    position: int
    end: int
    open: Callable[[], IO[bytes] | None]


def take(
    files: Iterable[File], folder: Path, place: Callable[[str], str | None], *, name: str, progress: Show
) -> list[str]:
    """Write the wanted files into a folder.

    Raises DataError if it is no archive, damaged, or holds too much, or two of its files belong in one place.

    Parameters
    ----------
    folder : Path
        Where the files go; on an error it holds what was written until then.
    place : callable
        From a file's path in the archive to its path in ``folder``, or None for a file that is not wanted.
    name : str
        What the user calls the archive.

    Returns
    -------
    list of str
        Paths of the files that were not wanted.
    """
    unwanted, taken_bytes = [], 0
    try:
        for count, file in enumerate(files, start=1):
            destination = place(file.path)
            content = file.open() if destination else None
            taken_bytes += file.size_bytes if content else 0
            if count > MOST_FILES or taken_bytes > MOST_BYTES:
                raise ValueError(f"it holds more than {MOST_FILES:,} files, or clips of more than {MOST_BYTES:,} bytes")
            if destination and content:
                _write(content, folder / destination, file.path)
            else:
                unwanted.append(file.path)
            progress(file.position, file.end)
    except _DAMAGE as error:
        # Damage has no number, or is a place in the file that cannot be (EINVAL); other numbers come from the disk.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise DataError(
            f"{name} cannot be unpacked: {str(error) or type(error).__name__}",
            "download it again; it must be a .zip, a .tar.gz, or the folder that one of these unpacks to",
        ) from error
    return unwanted


def archive_files(archive: Path) -> Iterator[File]:
    """Give the files of a zip or tar.gz, told apart by their first bytes; each is to be read before the next."""
    with archive.open("rb") as raw:
        start, end = raw.read(16), archive.stat().st_size
        raw.seek(0)
        if start.startswith(b"PK"):
            with zipfile.ZipFile(raw) as opened:
                for info in opened.infolist():
                    yield File(info.filename, info.file_size, info.header_offset, end, partial(opened.open, info))
        elif start.startswith(b"\x1f\x8b"):
            with _Unzipped(fileobj=raw) as unzipped, tarfile.open(fileobj=unzipped, mode="r:") as tar:
                for member in tar:
                    opener = partial(tar.extractfile, member) if member.isreg() else lambda: None
                    yield File(member.name, member.size, raw.tell(), end, opener)
                while unzipped.read(_CHUNK_BYTES):
                    pass  # the checksum is at the end
        else:
            raise ValueError(f"neither a zip nor a tar.gz, it begins with {start!r}")


class _Unzipped(gzip.GzipFile):
    """What a tar.gz unpacks to, in small pieces: tarfile reads a header at once, however long it says it is."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LONGEST_HEADER_BYTES:
            raise ValueError(f"it has a header of more than {_LONGEST_HEADER_BYTES:,} bytes")
        return super().read(size)


def folder_files(folder: Path) -> Iterator[File]:
    """Give the files of a folder; links to folders are not followed."""
    paths = [Path(parent, name) for parent, _, names in os.walk(folder) for name in sorted(names)]
    sizes = [path.stat().st_size if path.is_file() else 0 for path in paths]
    position, end = 0, sum(sizes)
    for path, size in zip(paths, sizes, strict=True):
        position += size
        yield File(path.relative_to(folder).as_posix(), size, position, end, partial(_content, path))


def _content(path: Path) -> IO[bytes] | None:
    return path.open("rb") if path.is_file() else None


def _write(content: IO[bytes], target: Path, path: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with content, target.open("xb") as file:
            shutil.copyfileobj(content, file, _CHUNK_BYTES)
    except FileExistsError as error:
        raise ValueError(f"'{path}' is a second file for {target.name}") from error
