"""Predictions and corpora out of numbers alone."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.evaluation.predictions import Predictions


def predictions(probabilities: ArrayLike, labels: ArrayLike, speakers: list[str] | None = None) -> Predictions:
    table = np.asarray(probabilities, dtype=np.float64)
    n_clips, n_classes = table.shape
    return Predictions(
        paths=tuple(f"{clip}.wav" for clip in range(n_clips)),
        classes=tuple(str(name) for name in range(n_classes)),
        labels=np.asarray(labels, dtype=np.int64),
        speakers=np.array(speakers or ["anna"] * n_clips, dtype=np.str_),
        probabilities=table,
    )


def confident(confidence: ArrayLike, correct: ArrayLike) -> Predictions:
    """Return predictions of two classes with such confidences, correct or not."""
    probability = np.asarray(confidence, dtype=np.float64)
    return predictions(np.stack([probability, 1 - probability], 1), np.where(correct, 0, 1))


def right_or_wrong(correct: ArrayLike, speakers: list[str]) -> Predictions:
    return predictions(np.tile([0.9, 0.1], (len(speakers), 1)), np.where(correct, 0, 1), speakers)


def corpus(speakers: list[str], **columns: list[object]) -> Corpus:
    """Return a table of clips, all of digit 0 and 1 by turns, that no file stands behind."""
    n_clips = len(speakers)
    numbers: NDArray[np.int64] = np.arange(n_clips)
    return Corpus(
        root=Path("nowhere"),
        layout="manifest",
        paths=tuple(f"{clip}.wav" for clip in range(n_clips)),
        digits=numbers % 2,
        speakers=np.array(speakers, dtype=np.str_),
        repetitions=numbers,
        stamps=np.zeros((n_clips, 2), dtype=np.int64),
        sources=np.zeros(n_clips, dtype=np.int64),
        source_names=("own",),
        columns={name: np.array(values, dtype=object) for name, values in columns.items()},
    )
