"""Files that are whole or absent, locks, and the folders the product keeps them in."""

import csv
import errno
import hashlib
import itertools
import os
import re
import secrets
import shutil
import socket
import sys
import time
import weakref
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from audiomnist.errors import DataError

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_PROCESS = secrets.token_hex(4)  # two processes of one number are told apart
_TEMPORARY = re.compile(r"\..*\.tmp-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-\d+(\.\w+)?")
_FOREIGN_S = 7 * 86_400  # what another machine left is thought to be in use for so long
_numbers = itertools.count()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the start of a formula


def home() -> Path:
    """Folder of ``data``, ``runs`` and ``comparisons``: ``AUDIOMNIST_HOME``, or where the command was started."""
    return Path(os.environ.get("AUDIOMNIST_HOME", "."))


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and move it there when the block ends well.

    A reader sees the old file or the new one, never half of either, whatever kills the writer or the power.
    """
    temporary = temporary_beside(path)
    try:
        temporary.touch(0o666, exist_ok=False)
        yield temporary
        settle(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def temporary_beside(path: Path) -> Path:
    """Return a hidden name beside ``path`` for what will become it, and remove what dead processes left there.

    The name says which process made it, so that the next one that writes into the folder knows what is abandoned.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):  # named here, as nobody knows the temporary name
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))
    remove_left_over(path.parent)
    owner = f"{_HOST}-{os.getpid()}-{_PROCESS}-{next(_numbers)}"
    return path.with_name(f".{path.name[:150]}.tmp-{owner}{path.suffix[:20]}")


def remove_left_over(folder: Path) -> None:
    """Remove the temporary files and folders that dead processes left in a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if (match := _TEMPORARY.fullmatch(entry.name)) and _is_left_over(entry, *match.groups()[:3]):
                remove(Path(entry.path))


def settle(temporary: Path, path: Path) -> None:
    """Move a finished file or folder to its place, on the disk before anybody sees it."""
    for written in (*temporary.rglob("*"), temporary) if temporary.is_dir() else (temporary,):
        _sync(written)
    temporary.replace(path)
    _sync(path.parent)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there and can be removed. A folder is gone from its place at once."""
    if path.is_dir() and not path.is_symlink():
        gone = path if _TEMPORARY.fullmatch(path.name) else path.replace(temporary_beside(path))
        shutil.rmtree(gone, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path, busy: str, hint: str) -> Iterator[None]:
    """Keep other processes out of a folder while the block runs.

    Raises
    ------
    DataError
        ``busy``, if another one is there already.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise DataError(busy, hint) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def by_turns(folder: Path) -> Iterator[None]:
    """Let one process at a time into a folder while the block runs; others wait."""
    with FileLock(folder / ".lock"):
        yield


class Hold:
    """A mark on a file, for as long as this object lives, that it is in use; any number of processes can set one.

    Raises FileNotFoundError if the file is not there, or is just being removed.
    """

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDONLY)
        self.release = weakref.finalize(self, os.close, handle)
        _lock(handle, exclusive=False)
        if not os.path.samestat(os.fstat(handle), path.stat()):
            self.release()
            raise FileNotFoundError(f"{path} is being removed")


def is_held(path: Path) -> bool:
    """Return whether some process has a hold on a file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return not _lock(handle, exclusive=True)
    finally:
        os.close(handle)


def _lock(handle: int, *, exclusive: bool) -> bool:
    """Lock an open file; return False if another process is in the way. File systems without locks do nothing."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
    except BlockingIOError:
        return False
    except OSError:
        return not exclusive
    return True


def _is_left_over(entry: os.DirEntry[str], host: str, number: str, process: str) -> bool:
    if host != _HOST:
        with suppress(OSError):
            return entry.stat().st_mtime < time.time() - _FOREIGN_S
        return False
    if int(number) == os.getpid():
        return process != _PROCESS
    if sys.platform == "win32":  # where asking for a process ends it
        return False
    try:
        os.kill(int(number), 0)
        # One that has ended stays until its parent asks for it, which the first process of a container may never do.
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return True
    except OSError:  # it is there and somebody else's, or there is no /proc
        return False
    return state == "Z"


def _sync(path: Path) -> None:
    """Have what was written on the disk, where the file system can; a rename is written with its folder."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table in one step, its texts as ``safe_cell`` has them."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([safe_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def safe_cell(text: str) -> str:
    """Return a name as it stands in a CSV: a spreadsheet must not take it for a formula."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def plain_cell(cell: str) -> str:
    """Return the name that ``safe_cell`` made a cell of."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
