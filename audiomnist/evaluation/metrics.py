"""Figures computed from predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.evaluation.calibration import Calibration, calibration
from audiomnist.evaluation.groups import Columns, Groups, group_scores
from audiomnist.evaluation.groups import as_json as groups_as_json
from audiomnist.evaluation.intervals import Estimate, overall
from audiomnist.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Scores:
    """How good the predictions are.

    Attributes
    ----------
    interval : Estimate
        The accuracy with its 95 % interval.
    loss : float
        Mean cross entropy, nats.
    n_test : int
        Clips.
    per_class : dict
        Precision, recall, F1 and number of clips by class.
    confusion : int64 array [n_classes, n_classes]
        Clips by label (row) and prediction (column).
    groups : mapping
        Accuracy by column and value, worst first.
    calibration : Calibration
    """

    interval: Estimate
    loss: float
    n_test: int
    per_class: dict[str, dict[str, float]]
    confusion: NDArray[np.int64]
    groups: Groups
    calibration: Calibration

    @property
    def accuracy(self) -> float:
        """Share of right clips."""
        return self.interval.accuracy

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "accuracy": self.accuracy,
            **self.__dict__,
            "interval": self.interval.as_json(),
            "confusion": self.confusion.tolist(),
            **groups_as_json(self.groups),
            "calibration": self.calibration.as_json(),
        }


def score(predictions: Predictions, columns: Columns) -> Scores:
    """Measure predictions against their labels.

    Parameters
    ----------
    columns : mapping of str to str array [n_clips]
        What else is known of the clips, to group them by.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes = np.arange(len(predictions.classes))
    of_class = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=classes, zero_division=0.0
    )
    of_label = predictions.probabilities[np.arange(len(predictions)), predictions.labels]
    return Scores(
        interval=overall(predictions.correct, predictions.speakers),
        loss=float(-np.log(of_label.clip(min=1e-12)).mean()),
        n_test=len(predictions),
        per_class={
            name: {"precision": float(precision), "recall": float(recall), "f1": float(f1), "n": int(n)}
            for name, precision, recall, f1, n in zip(predictions.classes, *of_class, strict=True)
        },
        confusion=confusion_matrix(predictions.labels, predictions.predicted, labels=classes),
        groups=group_scores(predictions, columns),
        calibration=calibration(predictions),
    )
