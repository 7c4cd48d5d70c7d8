"""What a run folder holds, read once for the page and the model card."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError, command
from audiomnist.evaluation.calibration import calibration
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.folder import PARTS, RunFolder
from audiomnist.runs.results import Calibration, CrossValidation, EpochRecord, Result, Robustness

_OWN_TEST = "test"  # the run's own test clips again


@dataclass(frozen=True)
class Facts:
    """A finished run.

    Attributes
    ----------
    result : Result or CrossValidation
        As ``metrics.json`` holds it.
    networks : tuple of Result
        The result of each network that was trained: one, or one per fold.
    predictions : Predictions
        Of the test clips; of a cross validation those of all folds.
    unseen : bool array [n_clips]
        Whether the network that was tested was not trained on the clip's speaker.
    histories : tuple
        The epochs of each network.
    parts : mapping of str to tuple of str
        The clips of each part of the split; empty for a cross validation.
    evaluations : mapping of str to Result
        Results on other corpora, by name.
    corpus : Corpus, optional
        None if it is no longer there.
    robustness : Robustness, optional
        None if it was not measured.
    """

    run: RunFolder
    config: Config
    result: Result | CrossValidation
    networks: tuple[Result, ...]
    predictions: Predictions
    unseen: NDArray[np.bool_]
    histories: tuple[list[EpochRecord], ...]
    parts: Mapping[str, tuple[str, ...]]
    evaluations: Mapping[str, Result]
    corpus: Corpus | None
    robustness: Robustness | None

    @property
    def calibration(self) -> Calibration:
        """With its bins, which the result of an earlier version lacks."""
        return calibration(self.predictions)

    @property
    def speakers(self) -> set[str]:
        """Who was tested."""
        return set(self.predictions.speakers.tolist())

    @property
    def unseen_speakers(self) -> set[str]:
        """Who of them was not trained on."""
        return set(self.predictions.speakers[self.unseen].tolist())

    @property
    def date(self) -> datetime:
        """When the result was written."""
        return datetime.fromtimestamp(self.run.metrics.stat().st_mtime)

    @property
    def fingerprint(self) -> str:
        """That of the corpus as it was trained on."""
        return str(self.networks[0].corpus_fingerprint)

    @property
    def folds(self) -> CrossValidation | None:
        """The result, if it is that of a cross validation."""
        return self.result if isinstance(self.result, CrossValidation) else None

    @property
    def corpus_state(self) -> str:
        """Whether the corpus is still what it was, in a sentence; nothing if it is."""
        if self.corpus is None:
            return "The corpus is no longer there, so no clip can be shown."
        is_same = self.corpus.fingerprint == self.fingerprint
        return "" if is_same else "Files of the corpus have changed since, by size, time or label."


def gather(run: RunFolder, corpus: Corpus | None = None) -> Facts:
    """Read a finished run, a training or a cross validation.

    Parameters
    ----------
    corpus : Corpus, optional
        What it was trained and tested on, if that is still there.

    Raises
    ------
    DataError
        If the run has no result, or a file in it is damaged.
    """
    resume = command(f"audiomnist {'kfold' if run.is_cross_validation else 'train'} --resume", run.path)
    if not run.metrics.exists():
        raise DataError(f"{run.path} is not finished", f"go on with it: {resume}")
    hint = f"restore the file, or test again: {resume}"
    result: Result | CrossValidation
    if run.is_cross_validation:
        result = CrossValidation.load(run.metrics, hint)
        folders = [RunFolder(path) for path in run.folds]
        networks = tuple(Result.load(folder.metrics, hint) for folder in folders)
    else:
        result = Result.load(run.metrics, hint)
        folders, networks = [run], (result,)
    splits = [_split(folder) for folder in folders]
    predictions = _predictions(run, result)
    voices = {path: voice for rows in splits for path, part, voice in rows if part == "test"}
    missing = [path for path in predictions.paths if path not in voices]
    if missing:
        raise DataError(f"{run.predictions}: {missing[0]} is not a test clip of this run", hint)
    robustness_files = (run.robustness, RunFolder(run.path / "evaluations" / _OWN_TEST).robustness)
    return Facts(
        run=run,
        config=run.load_config(),
        result=result,
        networks=networks,
        predictions=predictions,
        unseen=np.array([voices[path] == "unseen" for path in predictions.paths], dtype=np.bool_),
        histories=tuple(history for folder in folders if (history := read_history(folder))),
        parts={} if run.is_cross_validation else _parts(splits[0]),
        evaluations={
            path.parent.name: Result.load(path)
            for path in sorted(run.path.glob("evaluations/*/metrics.json"))
            if path.parent.name != _OWN_TEST
        },
        corpus=corpus,
        robustness=next((Robustness.load(path) for path in robustness_files if path.exists()), None),
    )


def read_history(run: RunFolder) -> list[EpochRecord]:
    """Return the epochs of a run."""
    try:
        return [EpochRecord.model_validate(epoch) for epoch in run.load_history()]
    except ValidationError as error:
        raise DataError(f"{run.history}: not a run's history", "restore the file, or train anew") from error


def _split(run: RunFolder) -> list[tuple[str, str, str]]:
    try:
        with run.split.open(newline="", encoding="utf-8") as file:
            return [(row["path"], row["part"], row["voice"]) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise DataError(f"{run.split}: not the split of a run ({error})", "restore the file, or train anew") from error


def _parts(rows: list[tuple[str, str, str]]) -> dict[str, tuple[str, ...]]:
    return {part: tuple(path for path, of, _ in rows if of == part) for part in PARTS}


def _predictions(run: RunFolder, result: Result | CrossValidation) -> Predictions:
    try:
        predictions = Predictions.load(run.predictions)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(f"{run.predictions}: no predictions ({error})", "restore the file, or run anew") from error
    if len(predictions) != result.n_test or predictions.classes != tuple(result.per_class):
        raise DataError(
            f"{run.predictions}: not the {result.n_test:,} clips of metrics.json", "restore the files, or run anew"
        )
    return predictions
