"""Accuracy by what is known of the clips: digit, speaker, gender, accent and any other column with few values."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import column
from audiomnist.evaluation.intervals import estimate
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.scores import Estimate

UNKNOWN = "unknown"
MOST_VALUES = 20
# The speakers of AudioMNIST are 22 to 61 years old, seven in ten of them below 30.
AGE_BANDS = ((25, "<25"), (30, "25-29"), (40, "30-39"))
OLDEST_BAND = "40+"

Columns = Mapping[str, NDArray[np.str_]]
Groups = dict[str, dict[str, Estimate]]


def columns_of(corpus: Corpus, target: str, clips: NDArray[np.int64]) -> Columns:
    """Return what clips can be grouped by: their value in every column that says something of them and has few values.

    Ages stand in bands; a value that is not known is ``unknown``.

    Parameters
    ----------
    target : str
        What is recognised; this column is always there.
    clips : int64 array [n_clips]
        Indices into the corpus.
    """
    tested = corpus.select(clips)
    found = {}
    for name in ("digit", *tested.columns):
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
