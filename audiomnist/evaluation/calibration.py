"""Whether a network is correct as often as its confidence says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.scores import Bins, Calibration, Covered

N_BINS = 15
COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8)
_LOG_TEMPERATURES = (-3.0, 3.0)  # 0.05 to 20


def calibration(predictions: Predictions) -> Calibration:
    """Measure confidence, the probability of the predicted class, against accuracy.

    The error is that of Guo et al., "On calibration of modern neural networks", ICML 2017, with their 15 bins of equal
    width; the curve that of Geifman, Uziel and El-Yaniv, "Bias-reduced uncertainty estimation for deep neural
    classifiers", ICLR 2019. Clips of equal confidence share their mean, so that nothing depends on
    the order of clips.
    """
    confidence = predictions.probabilities.max(1)
    bins = np.clip(np.ceil(confidence * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    counts = np.bincount(bins, minlength=N_BINS)
    confidences, accuracies = (
        np.bincount(bins, values, minlength=N_BINS) / np.maximum(counts, 1)
        for values in (confidence, predictions.correct.astype(np.float64))
    )
    gaps = np.abs(accuracies - confidences)
    n_clips = len(confidence)
    falling = np.sort(confidence)[::-1]
    accuracy_of_highest = np.cumsum(_shared(confidence, predictions.correct)) / np.arange(1, n_clips + 1)
    last = [max(round(share * n_clips), 1) - 1 for share in COVERAGES]
    coverage = (
        Covered(coverage=share, accuracy=float(accuracy_of_highest[clip]), min_probability=float(falling[clip]))
        for share, clip in zip(COVERAGES, last, strict=True)
    )
    return Calibration(
        bins=Bins(counts=counts.tolist(), confidences=confidences.tolist(), accuracies=accuracies.tolist()),
        ece=float((counts * gaps).sum() / n_clips),
        coverage=tuple(coverage),
        aurc=float(1 - accuracy_of_highest.mean()),
    )


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature that logits are best divided by before the softmax.

    It minimises the cross entropy of clips that were not trained on (Guo et al. 2017): logits, float32 array [n_clips,
    n_classes], and labels, int64 array [n_clips]. If the network classifies all of them correctly, the best temperature
    would be 0: that would say nothing of its mistakes, so it stays 1. What is predicted, and with it the accuracy,
    never changes.
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


def _shared(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return whether clips are correct, by falling confidence, as the mean over those of equal confidence."""
    _, level, n_on_level = np.unique(-confidence, return_inverse=True, return_counts=True)
    shares = np.bincount(level, correct) / n_on_level
    return np.repeat(shares, n_on_level)
