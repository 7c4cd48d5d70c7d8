"""What every recogniser offers: waveforms in, logits out, whatever computes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Answering:
    """How logits become answers.

    Attributes
    ----------
    classes : tuple of str
        What the outputs of the network stand for.
    sample_rate : int
        Hz; waveforms must come at it.
    temperature : float
        What logits are divided by before the softmax.
    """

    classes: tuple[str, ...]
    sample_rate: int
    temperature: float = 1.0


class Recognizer(ABC):
    """A trained network with all that leads to it and from it."""

    answering: Answering

    @abstractmethod
    def logits(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the logits of waveforms, each a function of its own waveform alone.

        Parameters
        ----------
        waveforms : sequence of float32 arrays [L_i]
            Mono, at ``answering.sample_rate``.

        Returns
        -------
        float32 array [n, n_classes]
        """

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the tempered softmax of logits, float64 array [n, n_classes]."""
        tempered = logits.astype(np.float64) / self.answering.temperature
        exponents = np.exp(tempered - tempered.max(1, keepdims=True))
        probabilities: NDArray[np.float64] = exponents / exponents.sum(1, keepdims=True)
        return probabilities
