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
    n_classes = len(predictions.classes)
    cells = predictions.labels * n_classes + predictions.predicted
    confusion = np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)
    of_label = predictions.probabilities[np.arange(len(predictions)), predictions.labels]
    return Scores(
        interval=overall(predictions.correct, predictions.speakers),
        loss=float(-np.log(of_label.clip(min=1e-12)).mean()),
        n_test=len(predictions),
        per_class=_per_class(predictions.classes, confusion),
        confusion=confusion,
        groups=group_scores(predictions, columns),
        calibration=calibration(predictions),
    )


def _per_class(names: tuple[str, ...], confusion: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Return precision, recall, F1 and clips of each class; what has nothing to be a share of is 0."""
    n_right, n_predicted, n = np.diag(confusion), confusion.sum(0), confusion.sum(1)
    precision, recall = (n_right / np.maximum(of, 1) for of in (n_predicted, n))
    f1 = 2 * n_right / np.maximum(n_predicted + n, 1)
    figures = zip(precision.tolist(), recall.tolist(), f1.tolist(), n.tolist(), strict=True)
    return {
        name: dict(zip(("precision", "recall", "f1", "n"), of_class, strict=True))
        for name, of_class in zip(names, figures, strict=True)
    }
