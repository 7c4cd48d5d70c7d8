"""Folders that are filled beside their place and moved there complete, by one process at a time."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from audiomnist.errors import DataError


class NewFolder:
    """A folder to make.

    The names beside it are fixed and the lock ends with its process: what the holder of the lock finds there was
    left by processes that have ended.

    Attributes
    ----------
    target : Path
        The folder to make.
    workspace : Path
        A hidden folder beside it, for what is needed until it is complete.
    """

    def __init__(self, target: Path, workspace: str) -> None:
        # Behind a link, so that the workspace is on the disk that the folder goes to.
        self.target = target.resolve()
        self.workspace = self.target.with_name(f".{self.target.name}.{workspace}")
        self._lock_path = self.target.with_name(f".{self.target.name}.lock")

    @property
    def is_clear(self) -> bool:
        """Whether nothing was left behind."""
        return not self.workspace.exists() and not self._lock_path.exists()

    @property
    def is_vacant(self) -> bool:
        """Whether the folder is missing or empty."""
        return not self.target.exists() or (self.target.is_dir() and not any(self.target.iterdir()))

    @contextmanager
    def alone(self, say: Callable[[str], None]) -> Iterator[None]:
        """Wait until no other process works here, and keep others out until the block ends."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock_path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            say(f"{self.target} is being made by another process; waiting for it")
            lock.acquire()
        while not self._lock_path.exists():  # removed by the one that was waited for
            lock.release()
            lock.acquire()
        try:
            yield
        finally:
            with suppress(OSError):
                if self.workspace.exists():
                    self.workspace.rmdir()  # only if nothing is kept there to resume with
                self._lock_path.unlink()
            lock.release()

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """Return an empty folder to fill, which is moved to its place if the block succeeds.

        What else is in the workspace stays after an error and is removed after success.

        Raises DataError if the folder already holds something.
        """
        if not self.is_vacant or self.target == Path.cwd():
            raise DataError(
                f"{self.target} already holds something else",
                "move it away, name another folder, or use it as it is with --data",
            )
        unfinished = self.workspace / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            yield unfinished
            if hasattr(os, "sync"):
                os.sync()  # once for thousands of files, before their folder has its name
            with suppress(FileNotFoundError):
                self.target.rmdir()
            unfinished.rename(self.target)
            self.remove_leftovers()
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def remove_leftovers(self) -> None:
        """Remove everything but the folder itself."""
        shutil.rmtree(self.workspace, ignore_errors=True)
