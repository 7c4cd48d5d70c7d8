"""What is in a folder of runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from audiomnist.errors import AudiomnistError
from audiomnist.runs.documents import Document
from audiomnist.runs.folder import RunFolder


class Summary(Document):
    """A run in one line.

    Attributes
    ----------
    folds : int or None
        Parts of a cross validation.
    data : str
        Corpus, as it was named.
    epochs, epochs_asked : int
        Reached, and to be reached, over all folds.
    accuracy : float or None
        None if there is no result yet.
    resume : str or None
        The command that finishes the run; None if it is finished.
    """

    name: str
    path: Path
    version: str
    kind: Literal["train", "kfold"]
    folds: int | None
    split: str
    data: str
    epochs: int
    epochs_asked: int
    accuracy: float | None
    started: datetime
    resume: str | None


class NoRun(Document):
    """A folder that is not a run, or one that cannot be read, and why."""

    name: str
    path: Path
    problem: str


def list_runs(folder: Path) -> tuple[list[Summary], list[NoRun]]:
    """Return the runs in a folder, the one that was started last at the end, and the folders that are none."""
    runs, others = [], []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.is_dir() or path.name.startswith("."):
            continue
        try:
            runs.append(_summary(RunFolder.open(path)))
        except (AudiomnistError, OSError) as error:
            problem = error.message if isinstance(error, AudiomnistError) else f"cannot be read: {error.strerror}"
            others.append(NoRun(name=path.name, path=path, problem=problem))
    return sorted(runs, key=lambda run: (run.started, run.name)), others


def _summary(run: RunFolder) -> Summary:
    config = run.load_config()
    result = run.load_result() if run.is_finished else None
    folds = run.folds if run.is_cross_validation else None
    n_folds = None if folds is None else max(len(folds), 0 if result else config.split.folds)
    return Summary(
        name=run.path.name,
        path=run.path,
        version=config.version,
        kind="train" if folds is None else "kfold",
        folds=n_folds,
        split=config.split.scheme,
        data=config.data,
        epochs=sum(len(part.load_history()) for part in ([run] if folds is None else folds)),
        epochs_asked=config.optim.epochs * (n_folds or 1),
        accuracy=result.accuracy if result else None,
        started=run.started,
        resume=None if result else run.resume_command,
    )
