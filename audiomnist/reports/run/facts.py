"""What a run folder holds, read once for the page and the model card."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError, command
from audiomnist.evaluation.metrics import score
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.folder import PARTS, RunFolder
from audiomnist.runs.results import Robustness, Scores

_OWN_TEST = "test"  # the run's own test clips again


@dataclass(frozen=True)
class Part:
    """The clips of one part of the split, and their speakers if the corpus is at hand."""

    clips: int
    speakers: int | None


@dataclass(frozen=True)
class Facts:
    """A finished run.

    Attributes
    ----------
    metrics : mapping
        The result, as ``metrics.json`` holds it.
    predictions : Predictions
        Of the test clips; of a cross validation those of all folds.
    unseen : bool array [n_clips]
        Whether the network that was tested had never heard the clip's speaker.
    histories : list
        The epochs of each network.
    parts : mapping of str to Part
        Empty for a cross validation.
    folds : list of dict
        The result of each fold; none for a training run.
    evaluations : mapping of str to dict
        Results on other corpora, by name.
    corpus : Corpus, optional
        None if it is no longer there.
    robustness : Robustness, optional
        None if it was not measured.
    """

    run: RunFolder
    config: Config
    metrics: Mapping[str, Any]
    predictions: Predictions
    unseen: NDArray[np.bool_]
    histories: list[list[dict[str, Any]]]
    parts: Mapping[str, Part]
    folds: list[dict[str, Any]]
    evaluations: Mapping[str, dict[str, Any]]
    corpus: Corpus | None
    robustness: Robustness | None

    @cached_property
    def scores(self) -> Scores:
        """What the pictures are drawn from."""
        return score(self.predictions, {})

    @property
    def results(self) -> list[Mapping[str, Any]]:
        """The result of each network that was trained."""
        return [*self.folds] or [self.metrics]

    @property
    def speakers(self) -> set[str]:
        """Who was tested."""
        return set(self.predictions.speakers.tolist())

    @property
    def unseen_speakers(self) -> set[str]:
        """Who of them was not trained on."""
        return set(self.predictions.speakers[self.unseen].tolist())

    @property
    def fingerprint(self) -> str:
        """That of the corpus as it was trained on."""
        return str(self.results[0]["corpus_fingerprint"])

    @property
    def corpus_changed(self) -> bool:
        """Whether files of the corpus are others than they were."""
        return self.corpus is not None and self.corpus.fingerprint != self.fingerprint


def gather(run: RunFolder, corpus: Corpus | None = None) -> Facts:
    """Read a finished run, a training or a cross validation.

    Parameters
    ----------
    corpus : Corpus, optional
        What it was trained and tested on, if that is still there.

    Raises
    ------
    DataError
        If the run is not finished, or a file in it is broken.
    """
    resume = command(f"audiomnist {'kfold' if run.is_cross_validation else 'train'} --resume", run.path)
    if not run.metrics.exists():
        raise DataError(f"{run.path} is not finished", f"go on with it: {resume}")
    metrics = run.load_metrics()
    if "interval" not in metrics:
        raise DataError(f"{run.metrics}: the result of an earlier version", f"test it anew: {resume}")
    try:
        predictions = Predictions.load(run.predictions)
        splits = {fold: _split(fold) for fold in ([RunFolder(path) for path in run.folds] or [run])}
        voices = {path: voice for rows in splits.values() for path, part, voice in rows if part == "test"}
        unseen = np.array([voices[path] == "unseen" for path in predictions.paths], dtype=np.bool_)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise DataError(
            f"{run.path}: predictions.csv or split.csv is missing or broken ({error})", "restore the files, or run anew"
        ) from error
    robustness_files = (run.robustness, RunFolder(run.path / "evaluations" / _OWN_TEST).robustness)
    return Facts(
        run=run,
        config=run.load_config(),
        metrics=metrics,
        predictions=predictions,
        unseen=unseen,
        histories=[history for fold in splits if (history := fold.load_history())],
        parts={} if run.is_cross_validation else _parts(splits[run], corpus),
        folds=[fold.load_metrics() for fold in splits] if run.is_cross_validation else [],
        evaluations={
            path.parent.name: RunFolder(path.parent).load_metrics()
            for path in sorted(run.path.glob("evaluations/*/metrics.json"))
            if path.parent.name != _OWN_TEST
        },
        corpus=corpus,
        robustness=next((Robustness.load(path) for path in robustness_files if path.exists()), None),
    )


def _split(run: RunFolder) -> list[tuple[str, str, str]]:
    with run.split.open(newline="", encoding="utf-8") as file:
        return [(row["path"], row["part"], row["voice"]) for row in csv.DictReader(file)]


def _parts(rows: list[tuple[str, str, str]], corpus: Corpus | None) -> dict[str, Part]:
    speaker_of = dict(zip(corpus.paths, corpus.speakers.tolist(), strict=True)) if corpus else {}
    parts = {}
    for part in PARTS:
        paths = [path for path, of, _ in rows if of == part]
        speakers = {speaker_of.get(path) for path in paths}
        parts[part] = Part(len(paths), None if None in speakers else len(speakers))
    return parts
