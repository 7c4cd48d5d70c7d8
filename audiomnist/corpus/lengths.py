"""How many clips a window of a given length cuts, and which window cuts few."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP_MS = 10


def cut_share(n_samples: NDArray[Any], sample_rate: int | NDArray[np.int64], clip_ms: float) -> float:
    """Return which part of the clips is longer than a window.

    Parameters
    ----------
    n_samples : int array [n_clips]
    sample_rate : int or int array [n_clips]
        Hz.
    clip_ms : float
        Length of the window in milliseconds.
    """
    return float(np.mean(1000 * np.asarray(n_samples) > clip_ms * np.asarray(sample_rate)))


def window_ms(lengths_ms: NDArray[np.float64], whole_share: float) -> int:
    """Return the shortest window, in steps of 10 ms, that leaves this part of the clips whole.

    Parameters
    ----------
    lengths_ms : float64 array [n_clips]
    """
    shortest = np.quantile(lengths_ms, whole_share, method="higher")
    return int(np.ceil(round(float(shortest) / _STEP_MS, 6))) * _STEP_MS
