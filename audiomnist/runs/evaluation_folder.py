"""The folder of one evaluation: a network tested once more, on its own test clips or on another corpus."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from audiomnist.errors import DataError
from audiomnist.files import by_turns
from audiomnist.runs.record import Folder, Record
from audiomnist.runs.results import Result
from audiomnist.runs.robustness import Robustness

_HINT = "remove the folder, and evaluate again"


@dataclass(frozen=True)
class EvaluationFolder(Folder):
    """An evaluation, known by what was tested and with which weights; its name is for people."""

    @classmethod
    @contextmanager
    def written(cls, parent: Path, name: str, record: Record, out: Path | None) -> Iterator[EvaluationFolder]:
        """Give the folder of an evaluation, made if need be, to write into: ``out``, or one in ``parent``.

        One process at a time has it; another one that tests the same waits.

        Raises DataError if ``out`` holds something else.
        """
        short = re.sub(r"[^\w.-]+", "-", name)[:60]
        folder = cls(out or parent / f"{short}-{(record.identity or '')[:8]}")
        folder._is_begun(record)  # before anything is written there
        folder.path.mkdir(parents=True, exist_ok=True)
        with by_turns(folder.path):
            if not folder._is_begun(record):
                record.save(folder.record_file)
            yield folder

    def _is_begun(self, record: Record) -> bool:
        """Whether the folder is that of an evaluation already; raise DataError if it holds something else."""
        before = self.record if self.path.is_dir() else None
        if before is not None and (before.kind, before.identity) == (record.kind, record.identity):
            return True
        # Hidden files are the lock, and what a process left that was killed before it began.
        if self.path.exists() and not (self.path.is_dir() and not any(self.path.glob("[!.]*"))):
            raise DataError(f"{self.path} holds something else", "name another folder with --out")
        return False

    def result(self) -> Result:
        """Read the result."""
        return Result.load(self.verified(self.metrics), _HINT)

    def trained_run(self, result: Result) -> Path | None:
        """Return the folder of the run whose network was tested; None if it is gone, or it was a model file."""
        places = (self.path.resolve().parent.parent, Path(result.run))
        return next((place for place in places if (place / "config.yaml").is_file()), None)

    def load_robustness(self) -> Robustness | None:
        """Return how the network does on distorted clips of this test, if that was measured."""
        if not self.robustness.exists():
            return None
        return Robustness.load(self.verified(self.robustness), _HINT)


def identity(values: Iterable[object]) -> str:
    """Return a hash of what was tested: scheme, weights, the clips with their sound, and so on."""
    return hashlib.sha256("\0".join(map(str, values)).encode("utf-8", "backslashreplace")).hexdigest()
