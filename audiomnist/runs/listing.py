"""What is in a folder of runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audiomnist.errors import AudiomnistError, DataError
from audiomnist.runs.folder import RunFolder


@dataclass(frozen=True)
class Summary:
    """A run in one line.

    Attributes
    ----------
    kind : str
        ``train``, or ``kfold``.
    folds : int or None
        Parts of a cross validation.
    data : str
        Corpus, as it was named.
    epochs, epochs_asked : int
        Reached, and to be reached, over all folds.
    accuracy : float or None
        None if there is no result yet.
    started : datetime
        When the configuration was written.
    resume : str or None
        The command that finishes the run; None if it is finished.
    """

    name: str
    path: Path
    version: str
    kind: str
    folds: int | None
    split: str
    data: str
    epochs: int
    epochs_asked: int
    accuracy: float | None
    started: datetime
    resume: str | None

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.__dict__, "path": str(self.path), "started": self.started.isoformat(timespec="seconds")}


@dataclass(frozen=True)
class NoRun:
    """A folder that is no run, or one that cannot be read, and why."""

    name: str
    path: Path
    problem: str

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.__dict__, "path": str(self.path)}


def list_runs(folder: Path) -> tuple[list[Summary], list[NoRun]]:
    """Return the runs in a folder, the one that was started last at the end, and the folders that are none."""
    runs, others = [], []
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in paths:
        if not path.is_dir() or path.name.startswith("."):
            continue
        try:
            runs.append(_summary(RunFolder.open(path)))
        except AudiomnistError as error:
            others.append(NoRun(path.name, path, error.message))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            others.append(NoRun(path.name, path, f"cannot be read ({type(error).__name__}: {error})"))
    return sorted(runs, key=lambda run: (run.started, run.name)), others


def _summary(run: RunFolder) -> Summary:
    config = run.load_config()
    cross_validation = run.is_cross_validation
    metrics = run.load_metrics() if run.metrics.exists() else None
    folds = None
    if cross_validation:
        folds = len(metrics["folds"]) if metrics else max(config.split.folds, len(run.folds))
    parts = [RunFolder(fold) for fold in run.folds] if cross_validation else [run]
    return Summary(
        name=run.path.name,
        path=run.path,
        version=config.version,
        kind="kfold" if cross_validation else "train",
        folds=folds,
        split=config.split.scheme,
        data=config.data,
        epochs=sum(len(part.load_history()) for part in parts),
        epochs_asked=config.optim.epochs * (folds or 1),
        accuracy=_accuracy(metrics, run.metrics) if metrics is not None else None,
        started=datetime.fromtimestamp(run.config.stat().st_mtime).astimezone(),
        resume=None if metrics is not None else run.resume_command,
    )


def _accuracy(metrics: dict[str, Any], path: Path) -> float:
    accuracy = metrics.get("accuracy")
    if not isinstance(accuracy, int | float) or not math.isfinite(accuracy):
        raise DataError(f"{path}: no accuracy in it", "test again: audiomnist evaluate")
    return float(accuracy)
