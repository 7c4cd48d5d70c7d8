"""Scores computed from predictions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audiomnist.evaluation.calibration import calibration
from audiomnist.evaluation.groups import Columns, group_scores
from audiomnist.evaluation.intervals import overall
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.scores import ClassScore, Scores


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
    interval = overall(predictions.correct, predictions.speakers)
    return Scores(
        accuracy=interval.accuracy,
        interval=interval,
        loss=float(-np.log(of_label.clip(min=1e-12)).mean()),
        n_test=len(predictions),
        per_class=_per_class(predictions.classes, confusion),
        confusion=confusion.tolist(),
        groups=group_scores(predictions, columns),
        calibration=calibration(predictions),
    )


def _per_class(names: tuple[str, ...], confusion: NDArray[np.int64]) -> dict[str, ClassScore]:
    """Return precision, recall, F1 and clips of each class; what has nothing to be a share of is 0."""
    n_correct, n_predicted, n = np.diag(confusion), confusion.sum(0), confusion.sum(1)
    precision, recall = (n_correct / np.maximum(of, 1) for of in (n_predicted, n))
    f1 = 2 * n_correct / np.maximum(n_predicted + n, 1)
    columns = zip(names, precision.tolist(), recall.tolist(), f1.tolist(), n.tolist(), strict=True)
    return {name: ClassScore(precision=p, recall=r, f1=f, n=count) for name, p, r, f, count in columns}
