"""Whether a network is as often right as it is sure, and what that is good for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.evaluation.predictions import Predictions

N_BINS = 15
COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8)
_LOG_TEMPERATURES = (-3.0, 3.0)  # 0.05 to 20


@dataclass(frozen=True)
class Covered:
    """What is left when the least sure clips go to a person.

    Attributes
    ----------
    coverage : float
        Share of the clips that the network answers itself.
    accuracy : float
        Of those.
    min_probability : float
        How sure it is of the least sure of them.
    """

    coverage: float
    accuracy: float
    min_probability: float


@dataclass(frozen=True)
class Calibration:
    """How sure a network is against how often it is right.

    Attributes
    ----------
    counts : int64 array [N_BINS]
        Clips by probability of the predicted class, in bins of equal width from 0 to 1.
    confidences, accuracies : float64 array [N_BINS]
        Mean probability of the predicted class, and share of right clips, by bin; 0 where there is no clip.
    ece : float
        Expected calibration error: the mean gap between both, weighted by clips.
    coverage : tuple of Covered
        At 100, 99, 95, 90 and 80 %.
    aurc : float
        Area under the risk-coverage curve: share of wrong clips among the surest, averaged over all coverages.
    """

    counts: NDArray[np.int64]
    confidences: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    ece: float
    coverage: tuple[Covered, ...]
    aurc: float

    def as_json(self) -> dict[str, Any]:
        """Return plain values, without the bins."""
        return {"ece": self.ece, "aurc": self.aurc, "coverage": [dict(point.__dict__) for point in self.coverage]}


def calibration(predictions: Predictions) -> Calibration:
    """Measure how sure predictions are against how often they are right.

    The error is that of Guo et al., "On calibration of modern neural networks", ICML 2017, with their 15 bins of equal
    width; the curve that of Geifman, Uziel and El-Yaniv, "Bias-reduced uncertainty estimation for deep neural
    classifiers", ICLR 2019. Clips that are equally sure share their mean, so that no figure depends on
    the order of clips.
    """
    sureness = predictions.probabilities.max(1)
    bins = np.clip(np.ceil(sureness * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    counts = np.bincount(bins, minlength=N_BINS)
    confidences, accuracies = (
        np.bincount(bins, values, minlength=N_BINS) / np.maximum(counts, 1)
        for values in (sureness, predictions.correct.astype(np.float64))
    )
    gaps = np.abs(accuracies - confidences)
    n_clips = len(sureness)
    falling = np.sort(sureness)[::-1]
    accuracy_of_surest = np.cumsum(_shared(sureness, predictions.correct)) / np.arange(1, n_clips + 1)
    last = [max(round(share * n_clips), 1) - 1 for share in COVERAGES]
    coverage = (
        Covered(share, float(accuracy_of_surest[clip]), float(falling[clip]))
        for share, clip in zip(COVERAGES, last, strict=True)
    )
    return Calibration(
        counts=counts,
        confidences=confidences,
        accuracies=accuracies,
        ece=float((counts * gaps).sum() / n_clips),
        coverage=tuple(coverage),
        aurc=float(1 - accuracy_of_surest.mean()),
    )


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature that logits are best divided by before the softmax.

    It minimises the cross entropy of clips that were not trained on (Guo et al. 2017). If the network gets all of them
    right, the best temperature would be 0: that would say nothing of its mistakes, so it stays 1. What is predicted,
    and with it the accuracy, never changes.

    Parameters
    ----------
    logits : float32 array [n_clips, n_classes]
    labels : int64 array [n_clips]
    """
    from scipy.optimize import minimize_scalar

    if np.array_equal(logits.argmax(1), labels):
        return 1.0
    found = minimize_scalar(
        lambda log_t: cross_entropy(logits, labels, float(np.exp(log_t))), bounds=_LOG_TEMPERATURES, method="bounded"
    )
    temperature = float(np.exp(found.x))
    is_better = cross_entropy(logits, labels, temperature) < cross_entropy(logits, labels)
    return temperature if is_better else 1.0


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float = 1.0) -> float:
    """Return the mean negative log likelihood of labels, nats, with logits divided by a temperature."""
    from scipy.special import log_softmax

    log_probabilities = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


def _shared(sureness: NDArray[np.float64], correct: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return whether clips are right, the surest first, as the mean over those that are equally sure."""
    _, level, n_on_level = np.unique(-sureness, return_inverse=True, return_counts=True)
    shares = np.bincount(level, correct) / n_on_level
    return np.repeat(shares, n_on_level)
