"""Figures computed from predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Scores:
    """How good the predictions are.

    Attributes
    ----------
    accuracy : float
    loss : float
        Mean cross entropy, nats.
    n_test : int
        Clips.
    per_class : dict
        Precision, recall, F1 and number of clips by class.
    per_speaker : dict
        Accuracy and number of clips by speaker, worst first.
    confusion : int64 array [n_classes, n_classes]
        Clips by label (row) and prediction (column).
    """

    accuracy: float
    loss: float
    n_test: int
    per_class: dict[str, dict[str, float]]
    per_speaker: dict[str, dict[str, float]]
    confusion: NDArray[np.int64]

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.__dict__, "confusion": self.confusion.tolist()}


def score(predictions: Predictions) -> Scores:
    """Measure predictions against their labels."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes = np.arange(len(predictions.classes))
    columns = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=classes, zero_division=0.0
    )
    of_label = predictions.probabilities[np.arange(len(predictions)), predictions.labels]
    speakers = {
        speaker: {
            "accuracy": float(predictions.correct[predictions.speakers == speaker].mean()),
            "n": int((predictions.speakers == speaker).sum()),
        }
        for speaker in np.unique(predictions.speakers).tolist()
    }
    return Scores(
        accuracy=float(predictions.correct.mean()),
        loss=float(-np.log(of_label.clip(min=1e-12)).mean()),
        n_test=len(predictions),
        per_class={
            name: {"precision": float(precision), "recall": float(recall), "f1": float(f1), "n": int(n)}
            for name, precision, recall, f1, n in zip(predictions.classes, *columns, strict=True)
        },
        per_speaker=dict(sorted(speakers.items(), key=lambda item: (item[1]["accuracy"], item[0]))),
        confusion=confusion_matrix(predictions.labels, predictions.predicted, labels=classes),
    )
