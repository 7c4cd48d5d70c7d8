"""Drawing whole speakers, for figures whose uncertainty is that between speakers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES = 2_000
_SEED = 20_220_707


@lru_cache(maxsize=4)
def speaker_weights(n_speakers: int, n_resamples: int = N_RESAMPLES) -> NDArray[np.float64]:
    """Return how often each resample has each speaker, when as many are drawn with replacement as there are.

    Returns
    -------
    float64 array [n_resamples, n_speakers]
        Whole numbers, for a product with sums by speaker; each row sums to ``n_speakers``. Not to be written to.
    """
    draw = np.random.default_rng(_SEED)
    times = draw.multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers), size=n_resamples)
    return times.astype(np.float64)
