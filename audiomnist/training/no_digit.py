"""Whether anything was said at all that the network tells apart: "no digit".

It needs NumPy only, so that a model can be used without torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NoDigit:
    """How a model recognises that no digit was said: a clip whose score is below the threshold holds none.

    Attributes
    ----------
    method : str
        ``class``: the network has one more output, the last, that stands for everything else; the score is the
        logarithm of the odds of any class against it.
    threshold : float
        Lowest score of what counts as a digit.
    misses : float
        Share of validation clips that were allowed to lie below the threshold when it was fitted.
    n_fitted : int
        Validation clips that it was fitted on; 0 if there were none, and then the threshold is that of even odds.
    """

    method: Literal["class"]
    threshold: float
    misses: float
    n_fitted: int

    def __post_init__(self) -> None:
        if self.method != "class" or not math.isfinite(self.threshold):
            raise ValueError(f"no threshold of a score: {self.method}, {self.threshold}")


def fit(scores: NDArray[np.float64], misses: float) -> NoDigit:
    """Return the threshold below which at most a share of ``misses`` of the scores lie, float64 array [n].

    They are of digits by speakers who were not trained on; without any the threshold is that of even odds.
    """
    threshold = float(np.sort(scores)[int(misses * len(scores))]) if len(scores) else 0.0
    return NoDigit("class", threshold, misses, len(scores))


def split_logits(logits: NDArray[np.float32], n_classes: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the logits of the classes alone, and each clip's score of being one of them.

    From a float array [n_clips, n_classes or one more] these are arrays [n_clips, n_classes] and [n_clips].
    """
    of_classes = logits[:, :n_classes]
    highest = of_classes.max(1).astype(np.float64)
    score = highest + np.log(np.exp(of_classes - highest[:, None]).sum(1))
    if logits.shape[1] > n_classes:
        score = score - logits[:, n_classes]
    return of_classes, score
