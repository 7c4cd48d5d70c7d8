"""Labels that look wrong, found by what networks predict for clips that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.results import Misclassified


def find_suspects(predictions: Predictions, unseen: NDArray[np.bool_]) -> list[Misclassified]:
    """List the clips whose label looks wrong, the most confident first.

    A clip is listed if the network predicts another class and gives the label no more than this class gets on average
    over the clips labelled otherwise: the clip looks no more like its label than other clips do. These thresholds, one
    per class, and so the length of the list, follow from the predictions; they mirror those of confident learning,
    which ask whether the clip looks like the other class. On labels made wrong on purpose, the mirror found more with
    fewer false alarms: a network is as confident of its mistakes on a new speaker, but seldom rules out the correct
    class.

    A mistake made with most of a speaker's clips of a class comes from how the speaker says it; none is listed.

    The order is by the label's probability, the lowest first.

    C. Northcutt, L. Jiang, I. Chuang: Confident Learning: Estimating Uncertainty in Dataset Labels, 2021.

    Parameters
    ----------
    predictions : Predictions
        Out of fold: a network that was trained on a clip believes its label.
    unseen : bool array [n_clips]
        Whether the network that was asked was not trained on the clip's speaker.
    """
    everyone = np.arange(len(predictions))
    probabilities, predicted, labels = predictions.probabilities, predictions.predicted, predictions.labels
    of_prediction, of_label = probabilities[everyone, predicted], probabilities[everyone, labels]
    looks_different = of_label <= mean_over_other_labels(predictions)[labels]
    looks_wrong = (predicted != labels) & looks_different & ~is_habit_of_speaker(predictions)
    found = np.flatnonzero(looks_wrong)
    found = found[np.lexsort((-of_prediction[found], of_label[found]))]
    return [predictions.misclassified(clip, unseen=bool(unseen[clip])) for clip in found.tolist()]


def mean_over_other_labels(predictions: Predictions) -> NDArray[np.float64]:
    """Return what each class is given on average over the clips labelled otherwise: float64 array [n_classes]."""
    is_label = predictions.labels[:, None] == np.arange(len(predictions.classes))  # (n_clips, n_classes)
    sums = np.where(is_label, 0.0, predictions.probabilities).sum(0)
    means: NDArray[np.float64] = sums / np.maximum((~is_label).sum(0), 1)
    return means


def is_habit_of_speaker(predictions: Predictions) -> NDArray[np.bool_]:
    """Return whether the other clips of a clip's speaker and label get its prediction more often than the label.

    A speaker whose clips all have one label has no habits: a speaker's gender may be wrong in all of them.
    """
    labels, predicted, n_classes = predictions.labels, predictions.predicted, len(predictions.classes)
    speakers, speaker_of = np.unique(predictions.speakers, return_inverse=True)
    counts = np.zeros((len(speakers), n_classes, n_classes), dtype=np.int64)  # by speaker, label, prediction
    np.add.at(counts, (speaker_of, labels, predicted), 1)
    n_labels = (counts.sum(2) > 0).sum(1)  # (n_speakers,)
    of_others = counts[speaker_of, labels, predicted] - 1
    habit = (of_others > counts[speaker_of, labels, labels]) & (n_labels[speaker_of] > 1) & (predicted != labels)
    return np.asarray(habit, dtype=np.bool_)


def unseen_voices(corpus: Corpus, splits: Sequence[Split]) -> NDArray[np.bool_]:
    """Return of every clip tested, split after split, whether its speaker stands in no other part of the split."""
    trained_on = (corpus.speakers[np.concatenate([split.train, split.validation])] for split in splits)
    return np.concatenate(
        [~np.isin(corpus.speakers[split.test], known) for split, known in zip(splits, trained_on, strict=True)]
    )
