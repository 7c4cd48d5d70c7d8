"""The folder of one evaluation: a network tested once more, on its own test clips or on another corpus."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audiomnist.errors import DataError
from audiomnist.runs.record import Folder, Record
from audiomnist.runs.results import Result
from audiomnist.runs.robustness import Robustness


@dataclass(frozen=True)
class EvaluationFolder(Folder):
    """An evaluation, known by what was tested and with which weights; its name is for people."""

    @classmethod
    def create(cls, parent: Path, name: str, record: Record, out: Path | None) -> EvaluationFolder:
        """Make the folder of an evaluation, or return the one that it has already: ``out``, or one in ``parent``.

        Raises
        ------
        DataError
            If ``out`` holds something else.
        """
        short = re.sub(r"[^\w.-]+", "-", name)[:60]
        folder = cls(out or parent / f"{short}-{(record.identity or '')[:8]}")
        before = folder.record if folder.path.is_dir() else None
        if before is not None and (before.kind, before.identity) == (record.kind, record.identity):
            return folder
        if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
            raise DataError(f"{folder.path} holds something else", "name another folder with --out")
        folder.path.mkdir(parents=True, exist_ok=True)
        record.save(folder.record_file)
        return folder

    def result(self) -> Result:
        """Read the result."""
        return Result.load(self.verified(self.metrics), "remove the folder, and evaluate again")

    def trained_run(self, result: Result) -> Path | None:
        """Return the folder of the run whose network was tested; None if it is gone, or it was a model file."""
        places = (self.path.resolve().parent.parent, Path(result.run))
        return next((place for place in places if (place / "config.yaml").is_file()), None)

    def load_robustness(self) -> Robustness | None:
        """Return how the network does on distorted clips of this test, if that was measured."""
        if not self.robustness.exists():
            return None
        return Robustness.load(self.verified(self.robustness), "remove the folder, and evaluate again")


def identity(facts: Iterable[object]) -> str:
    """Return a hash of what was tested: scheme, weights, the clips with their sound, and so on."""
    return hashlib.sha256("\0".join(map(str, facts)).encode("utf-8", "backslashreplace")).hexdigest()
