"""Misclassified clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from audiomnist.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Misheard:
    """A clip that was heard as something else than its label.

    Attributes
    ----------
    probability : float
        What the network gives its own prediction.
    label_probability : float
        What it gives the label.
    voice : str
        ``known`` if the network was trained on other clips of the speaker, else ``unseen``.
    """

    path: str
    label: str
    prediction: str
    probability: float
    label_probability: float
    speaker: str
    voice: str

    @classmethod
    def of(cls, predictions: Predictions, clip: int, *, unseen: bool) -> Self:
        """Return what was heard in a clip, by its position."""
        label, predicted = int(predictions.labels[clip]), int(predictions.predicted[clip])
        return cls(
            path=predictions.paths[clip],
            label=predictions.classes[label],
            prediction=predictions.classes[predicted],
            probability=float(predictions.probabilities[clip, predicted]),
            label_probability=float(predictions.probabilities[clip, label]),
            speaker=str(predictions.speakers[clip]),
            voice="unseen" if unseen else "known",
        )
