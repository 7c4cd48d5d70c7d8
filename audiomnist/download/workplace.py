"""Where a corpus is made: a hidden folder beside its future place, for one call at a time."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.download.sources import Say
from audiomnist.errors import DataError


class Workplace:
    """The files beside a corpus folder while it is being made.

    The names are fixed and the lock dies with its process, so whoever holds the lock knows that everything
    here was left by calls that are over.

    Parameters
    ----------
    target : Path
        The corpus folder to make.
    """

    def __init__(self, target: Path) -> None:
        # Behind a link, so that the workplace is on the disk the corpus goes to.
        self.target = target.resolve()
        self.folder = self.target.with_name(f".{self.target.name}.download")
        self.unpacked = self.folder / "unpacked"
        self._lock_path = self.target.with_name(f".{self.target.name}.lock")

    @property
    def is_done(self) -> bool:
        """Whether the corpus is in its place."""
        return (self.target / CHECKSUMS_NAME).is_file()

    @property
    def is_clear(self) -> bool:
        """Whether nothing was left behind."""
        return not self.folder.exists() and not self._lock_path.exists()

    @contextmanager
    def alone(self, say: Say) -> Iterator[None]:
        """Wait until no other call works here, and keep others out until the block ends."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock_path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            say(f"another download to {self.target} is under way; waiting for it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def archive_from(self, address: str) -> Path:
        """Return where the archive at an address is kept, and remove those from other addresses."""
        name = f"archive-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
        for kept in self.folder.glob("archive-*"):
            if not kept.name.startswith(name):
                kept.unlink()
        return self.folder / name

    @contextmanager
    def begin(self) -> Iterator[Path]:
        """Give an empty folder to fill, and clear up when the block ends; what was fetched stays.

        Raises
        ------
        DataError
            The corpus folder is there and holds something.
        """
        self._require_vacant_target()
        self.folder.mkdir(exist_ok=True)
        self._remove_unpacked()
        self.unpacked.mkdir()
        try:
            yield self.unpacked
        finally:
            self._remove_unpacked()
            with suppress(OSError):
                self.folder.rmdir()

    def finish(self) -> None:
        """Move the filled folder to its place in one step."""
        self.unpacked.rename(self.target)

    def clear(self) -> None:
        """Remove everything but the corpus, which must be in its place.

        Whoever waits for the lock file that goes with it then finds nothing left to make.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self._lock_path.unlink()

    def _remove_unpacked(self) -> None:
        if self.unpacked.exists():
            shutil.rmtree(self.unpacked)

    def _require_vacant_target(self) -> None:
        if not self.target.exists():
            return
        if self.target == Path.cwd() or not self.target.is_dir() or any(self.target.iterdir()):
            raise DataError(
                f"{self.target} is there already and was not made by a download",
                "Move it away, name another folder with --out, or use it as it is with --data.",
            )
        self.target.rmdir()
