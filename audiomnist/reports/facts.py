"""What a run folder holds, read once for the page and the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Part
from audiomnist.errors import DataError
from audiomnist.evaluation.calibration import calibration
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import CrossValidation, EpochRecord, Result
from audiomnist.runs.robustness import Robustness
from audiomnist.runs.scores import Calibration


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
    parts: Mapping[Part, tuple[str, ...]]
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
    result = run.load_result()
    folders = run.folds if run.is_cross_validation else [run]
    splits = [folder.load_split() for folder in folders]
    predictions = Predictions.of_result(run, result)
    unseen = {row.path: row.voice == "unseen" for split in splits for row in split.rows if row.part == "test"}
    missing = [path for path in predictions.paths if path not in unseen]
    if missing:
        raise DataError(f"{run.predictions}: {missing[0]} is not a test clip of this run", "restore the file")
    networks = tuple(folder.result() for folder in folders)
    return Facts(
        run=run,
        config=run.load_config(),
        result=result,
        networks=networks,
        predictions=predictions,
        unseen=np.array([unseen[path] for path in predictions.paths], dtype=np.bool_),
        histories=tuple(history for folder in folders if (history := folder.load_history())),
        parts={} if run.is_cross_validation else splits[0].parts,
        evaluations={one.path.name: result for one in run.evaluations() if not (result := one.result()).own_test},
        corpus=corpus,
        robustness=None if run.is_cross_validation else run.load_robustness(),
    )
