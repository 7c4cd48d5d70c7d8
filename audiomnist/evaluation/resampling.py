"""Drawing whole speakers, for figures whose uncertainty is that between speakers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def speaker_weights(n_speakers: int, n_resamples: int, seed: int) -> NDArray[np.int64]:
    """Return how often each resample has each speaker, when as many are drawn with replacement as there are.

    Returns
    -------
    int64 array [n_resamples, n_speakers]
        Each row sums to ``n_speakers``.
    """
    draw = np.random.default_rng(seed)
    return draw.multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers), size=n_resamples)
