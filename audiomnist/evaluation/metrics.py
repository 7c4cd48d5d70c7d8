"""Scores computed from predictions: over all clips, by class, and by what is known of the clips."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import column, known_columns
from audiomnist.evaluation.calibration import calibration
from audiomnist.evaluation.intervals import estimate, overall
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.scores import ClassScore, Estimate, Scores

UNKNOWN = "unknown"
MOST_VALUES = 20
# The speakers of AudioMNIST are 22 to 61 years old, seven in ten of them below 30.
AGE_BANDS = ((25, "<25"), (30, "25-29"), (40, "30-39"))
OLDEST_BAND = "40+"

Columns = Mapping[str, NDArray[np.str_]]
Groups = dict[str, dict[str, Estimate]]


def score(predictions: Predictions, columns: Columns) -> Scores:
    """Measure predictions against their labels, also in groups by further columns, str array [n_clips] each."""
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


def columns_of(corpus: Corpus, target: str, clips: NDArray[np.int64]) -> Columns:
    """Return what clips can be grouped by: their value in every column that says something of them and has few values.

    Ages stand in bands; a value that is not known is ``unknown``. The column that is recognised, ``target``, is always
    there. ``clips``, int64 array [n_clips], are indices into the corpus.
    """
    tested = corpus.select(clips)
    found = {}
    for name in known_columns(tested):
        if name == "speaker":
            continue  # these groups are always there
        values = column(tested, name)
        if name == "age":
            values = [age_band(value) for value in values]
        n_known = len({value for value in values if value is not None})
        if n_known and (n_known <= MOST_VALUES or name == target):
            found[name] = np.array([UNKNOWN if value is None else value for value in values], dtype=np.str_)
    return found


def group_scores(predictions: Predictions, columns: Columns) -> Groups:
    """Return the accuracy of every group by column and value, by speaker first, the worst of each column first."""
    speakers, of_speaker = np.unique(predictions.speakers, return_inverse=True)
    groups = {}
    for name, values in {"speaker": predictions.speakers, **columns}.items():
        names, of_value = np.unique(values, return_inverse=True)
        cells = of_value * len(speakers) + of_speaker
        shape = (len(names), len(speakers))
        n = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
        right = np.bincount(cells[predictions.correct], minlength=n.size).reshape(shape)
        found = {
            value: estimate(right[row, n[row] > 0], n[row, n[row] > 0]) for row, value in enumerate(names.tolist())
        }
        groups[name] = dict(sorted(found.items(), key=lambda item: (item[1].accuracy, item[0])))
    return groups


def age_band(age: str | None) -> str | None:
    """Return the band of an age in years; what is no number stays as it is."""
    try:
        years = float(age or "nan")
    except ValueError:
        return age
    if math.isnan(years):
        return None
    return next((band for end, band in AGE_BANDS if years < end), OLDEST_BAND)
