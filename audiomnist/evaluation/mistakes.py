"""Misclassified clips."""

from __future__ import annotations

from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.results import Misclassified


def misclassified(predictions: Predictions, clip: int, *, unseen: bool) -> Misclassified:
    """Return what was predicted for a clip, by its position; ``unseen``: its speaker was not trained on."""
    label, predicted = int(predictions.labels[clip]), int(predictions.predicted[clip])
    return Misclassified(
        path=predictions.paths[clip],
        label=predictions.classes[label],
        prediction=predictions.classes[predicted],
        probability=float(predictions.probabilities[clip, predicted]),
        label_probability=float(predictions.probabilities[clip, label]),
        speaker=str(predictions.speakers[clip]),
        voice="unseen" if unseen else "known",
    )
