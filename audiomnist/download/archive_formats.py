"""The entries of zip and tar archives, read without trusting what they say of themselves."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from audiomnist.errors import DataError

_CHUNK_BYTES = 1 << 18
_TAR_HEADER_BYTES = 1 << 20
_ZIP_DIRECTORY_BYTES_PER_ENTRY = 160
# Encrypted, strongly encrypted, and with an encrypted directory (APPNOTE.TXT, section 4.4.4).
_ZIP_ENCRYPTION_FLAGS = 0x0001 | 0x0040 | 0x2000
# Whatever the readers of the standard library raise when bytes are not what they should be.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
)


@dataclass(frozen=True)
class Entry:
    """A file or folder in an archive.

    Parameters
    ----------
    name : str
        Its path as the archive has it.
    size_bytes : int
        Its size as declared.
    is_folder : bool
        A folder has no content.
    objection : str
        Why it must not be unpacked; empty for a plain file or folder.
    open : callable
        Gives the content to read: never more than declared, and an error where less comes.
    """

    name: str
    size_bytes: int
    is_folder: bool
    objection: str
    open: Callable[[], IO[bytes]]


def archive_entries(raw: IO[bytes], archive: Path, most_entries: int, most_bytes: int) -> Iterator[Entry]:
    """Give the entries in the archive's order; each is to be read before the next is asked for.

    Parameters
    ----------
    raw : file
        The opened archive.
    archive : Path
        Its path, for messages.
    most_entries : int
        Bounds the memory for a zip's table of contents.
    most_bytes : int
        Bounds what is read and decompressed, content and headers together.

    Raises
    ------
    DataError
        It is neither a zip nor a tar.
    """
    start = raw.read(tarfile.BLOCKSIZE)
    raw.seek(0)
    if start.startswith(b"PK"):
        return _zip_entries(raw, most_entries, most_bytes)
    if start.startswith(b"\x1f\x8b"):
        return _tar_entries(gzip.GzipFile(fileobj=raw), most_bytes)
    if start.startswith(b"\xfd7zXZ\x00"):
        return _tar_entries(lzma.LZMAFile(raw), most_bytes)
    if start.startswith(b"BZh"):
        return _tar_entries(bz2.BZ2File(raw), most_bytes)
    if start[257:262] == b"ustar":
        return _tar_entries(raw, most_bytes)
    raise DataError(
        f"{archive} is neither a zip nor a tar archive; it begins with {start[:16]!r}",
        "Give a .zip, .tar, .tar.gz, .tar.xz or .tar.bz2, or the folder it unpacks to.",
    )


@contextmanager
def damage_explained(archive: Path) -> Iterator[None]:
    """Turn what the readers raise over a damaged archive into a `DataError` that names it."""
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        # The decompressors raise OSError without a number for damage; one with a number comes from the disk.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = str(error) or type(error).__name__
        raise DataError(f"{archive} is damaged: {reason}", "Fetch the archive again.") from error


class _BoundedReader(io.BufferedReader):
    """Refuses to read more at once, or more in all, than an honest archive needs.

    The readers of the standard library take the sizes of headers and tables on trust.
    """

    def __init__(self, raw: Any, at_once_bytes: int, in_all_bytes: int) -> None:
        super().__init__(raw)
        self._at_once_bytes = at_once_bytes
        self._left_bytes = in_all_bytes
        self.last_read = b""

    def read(self, size: int | None = -1, /) -> bytes:
        bound = self._at_once_bytes + 1
        data = super().read(bound if size is None or size < 0 else min(size, bound))
        self._left_bytes -= len(data)
        if len(data) > self._at_once_bytes or self._left_bytes < 0:
            raise ValueError("it has a larger header, or more content, than any honest archive")
        self.last_read = data
        return data

    def seek(self, target: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return super().seek(target, whence)
        except OSError as error:
            # Without a number, since it is no fault of the disk; zipfile goes on from some of these.
            raise OSError(f"it points to byte {target:,}, which no file has") from error


def _zip_entries(raw: IO[bytes], most_entries: int, most_bytes: int) -> Iterator[Entry]:
    directory_bytes = most_entries * _ZIP_DIRECTORY_BYTES_PER_ENTRY
    reader = _BoundedReader(raw, directory_bytes, 2 * directory_bytes + most_bytes)
    with zipfile.ZipFile(reader) as opened:
        for info in opened.infolist():
            yield Entry(
                name=info.orig_filename,
                size_bytes=info.file_size,
                is_folder=info.is_dir(),
                objection=_zip_objection(info),
                open=partial(opened.open, info),
            )


def _zip_objection(info: zipfile.ZipInfo) -> str:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.flag_bits & _ZIP_ENCRYPTION_FLAGS:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in an unusual way"
    return ""


def _tar_entries(stream: IO[bytes] | gzip.GzipFile, most_bytes: int) -> Iterator[Entry]:
    reader = _BoundedReader(stream, _TAR_HEADER_BYTES, most_bytes + 64 * _TAR_HEADER_BYTES)
    with tarfile.open(fileobj=reader, mode="r:") as opened:
        while (member := opened.next()) is not None:
            yield Entry(
                name=member.name,
                size_bytes=member.size,
                is_folder=member.isdir(),
                objection=_tar_objection(member),
                open=partial(_tar_content, opened, member),
            )
    # tarfile takes a damaged header for the end of the archive; the true end is a block of zeros.
    if reader.last_read != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it ends in the middle")
    while reader.read(_CHUNK_BYTES):
        pass  # The end is where compressed files keep their checksum.


def _tar_objection(member: tarfile.TarInfo) -> str:
    if not (member.isreg() or member.isdir()):
        return "is a link or a device"
    if member.issparse():
        return "is a sparse file"
    if member.size < 0:
        return "has a size below zero"
    return ""


def _tar_content(opened: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    if hasattr(tarfile, "data_filter"):  # a second look, in Python 3.11.4 and later
        tarfile.data_filter(member, "corpus")
    content = opened.extractfile(member)
    if content is None:
        raise tarfile.ReadError(f"'{member.name}' has no content")
    return content
