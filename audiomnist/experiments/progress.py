"""The progress of work, for those who show it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from audiomnist.progress import Show, unseen

if TYPE_CHECKING:
    from audiomnist.runs.results import EpochRecord


class Progress:
    """Is told of all progress, and shows it; this one shows nothing."""

    def say(self, message: str) -> None:
        """Take note of a message."""

    @contextmanager
    def counting(self, task: str, unit: str) -> Iterator[Show]:
        """Give what shows how far a task has come."""
        yield unseen

    @contextmanager
    def training(self, epochs: int) -> Iterator[None]:
        """Surround a training of so many epochs, over all folds."""
        yield

    def step_ended(self, part: float) -> None:
        """Take note of how much of the epoch under way is done, from 0 to 1."""

    def epoch_ended(self, record: EpochRecord, fold: int | None = None) -> None:
        """Take note of a finished epoch, of a fold where there are several."""
