"""What is measured of clips: level, clipping and silence of the samples, and how many a window would cut."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import Samples

QUIETEST_DB = -120.0
FULL_SCALE = 0.9995
CLIPPED_RUN_SAMPLES = 3
_FRAME_MS = 10
_SOUND_BELOW_PEAK_DB = 35.0
_WINDOW_STEP_MS = 10


@dataclass(frozen=True)
class Loudness:
    """Measurements of one clip's samples; levels in dB below full scale.

    Attributes
    ----------
    noise_floor_db : float
        Level of the quietest tenth of the frames of 10 ms.
    clipped_share : float
        Part of the samples at full scale, three or more in a row.
    leading_ms, trailing_ms : float
        Before the first and after the last frame within 35 dB of the loudest one.
    """

    peak_db: float
    rms_db: float
    noise_floor_db: float
    dc_offset: float
    clipped_share: float
    leading_ms: float
    trailing_ms: float


def measure(samples: Samples, sample_rate: int) -> Loudness:
    """Measure a mono clip, float32 array [L] with at least one sample, all finite, at a sample rate in Hz."""
    frame_length = max(1, sample_rate * _FRAME_MS // 1000)
    starts = np.arange(0, len(samples), frame_length)
    squares = np.square(samples)
    counts = np.diff(starts, append=len(samples))
    frames_db = _decibels(np.sqrt(np.add.reduceat(squares, starts) / counts))
    sounding = np.flatnonzero(frames_db >= frames_db.max() - _SOUND_BELOW_PEAK_DB)
    to_ms = 1000 * frame_length / sample_rate
    return Loudness(
        peak_db=float(_decibels(np.abs(samples).max())),
        rms_db=float(_decibels(np.sqrt(np.mean(squares)))),
        noise_floor_db=float(np.quantile(frames_db, 0.1, method="lower")),
        dc_offset=float(samples.mean()),
        clipped_share=n_clipped(samples) / len(samples),
        leading_ms=float(sounding[0] * to_ms),
        trailing_ms=float((len(starts) - 1 - sounding[-1]) * to_ms),
    )


def n_clipped(samples: Samples) -> int:
    """Return how many samples of float32 array [L] are at full scale, three or more in a row."""
    at_full_scale = np.abs(samples) >= FULL_SCALE
    if not at_full_scale.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], at_full_scale.view(np.int8), [0]))))
    runs = edges[1::2] - edges[::2]
    return int(runs[runs >= CLIPPED_RUN_SAMPLES].sum())


def cut_share(n_samples: NDArray[Any], sample_rate: int | NDArray[np.int64], clip_ms: float) -> float:
    """Return which part of the clips, int array [n_clips] of samples at one rate or at one each, a window would cut."""
    return float(np.mean(1000 * np.asarray(n_samples) > clip_ms * np.asarray(sample_rate)))


def window_ms(lengths_ms: NDArray[np.float64], whole_share: float) -> int:
    """Return the shortest window, in steps of 10 ms, that keeps a share of these lengths, float64 array [n], whole."""
    shortest = np.quantile(lengths_ms, whole_share, method="higher")
    return int(np.ceil(round(float(shortest) / _WINDOW_STEP_MS, 6))) * _WINDOW_STEP_MS


def _decibels(amplitude: NDArray[np.floating]) -> NDArray[np.floating]:
    decibels: NDArray[np.floating] = 20 * np.log10(np.maximum(amplitude, 10 ** (QUIETEST_DB / 20)))
    return decibels
