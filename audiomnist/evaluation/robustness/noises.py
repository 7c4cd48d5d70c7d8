"""Noises of four kinds, and laying one over a clip at a given distance from the speech's level."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import cycle

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Wave = NDArray[np.float32]

MAINS_HZ = 50
N_HARMONICS = 10
N_TALKERS = 6
_FRAME_MS = 10
_ACTIVE_BELOW_PEAK_DB = 20.0


def frame_length(samples: Wave, sample_rate: int) -> int:
    """Return the samples in a frame of 10 ms, or those there are where there are fewer."""
    return min(len(samples), sample_rate * _FRAME_MS // 1000)


def frame_powers(samples: Wave, sample_rate: int) -> NDArray[np.float32]:
    """Return the mean square of each whole frame of 10 ms."""
    length = frame_length(samples, sample_rate)
    n_frames = len(samples) // length
    powers: NDArray[np.float32] = np.square(samples[: n_frames * length]).reshape(n_frames, length).mean(1)
    return powers


def speech_power(samples: Wave, sample_rate: int) -> float:
    """Return the mean square of a clip while somebody speaks.

    Frames of 10 ms count whose power lies within 20 dB of the loudest one's, so that silence around the word does not
    make the word quieter. The threshold of ITU-T P.56 is about as low, 15.9 dB below the level that it finds.
    """
    powers = frame_powers(samples, sample_rate)
    return float(powers[powers >= powers.max() * 10 ** (-_ACTIVE_BELOW_PEAK_DB / 10)].mean())


def add_noise(samples: Wave, noise: Wave, snr_db: float, sample_rate: int) -> Wave:
    """Lay noise over a whole clip, both float32 array [L].

    The signal-to-noise ratio is the power of the speech (``speech_power``) to the mean power of the noise.
    """
    power = float(np.square(noise).mean())
    if not power:
        return samples
    scale = np.sqrt(speech_power(samples, sample_rate) / power * 10 ** (-snr_db / 10))
    noisy: Wave = samples + np.float32(scale) * noise
    return noisy


def white_noise(n_samples: int, rng: np.random.Generator) -> Wave:
    """Return Gaussian noise with the same power in every hertz, float32 array [n_samples]."""
    return rng.standard_normal(n_samples, dtype=np.float32)


def pink_noise(n_samples: int, rng: np.random.Generator) -> Wave:
    """Return Gaussian noise with the same power in every octave, float32 array [n_samples].

    Its spectrum is sampled: independent normal real and imaginary parts, their power falling as 1 / f, nothing at
    0 Hz (Timmer and Koenig, Astronomy and Astrophysics 300, 1995).
    """
    length = scipy.fft.next_fast_len(n_samples + 1, real=True)
    parts = rng.standard_normal((length // 2 + 1, 2), dtype=np.float32)
    parts[0] = 0
    parts[1:] /= np.sqrt(np.arange(1, len(parts), dtype=np.float32))[:, None]
    noise: Wave = scipy.fft.irfft(parts.view(np.complex64)[:, 0], length)[:n_samples]
    return noise


def mains_hum(n_samples: int, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Return 50 Hz and its harmonics up to the tenth, the k-th of amplitude 1 / k, from a random place in the period.

    They are the first terms of a sawtooth, as rectifiers and transformers send out. float32 array [n_samples].
    """
    second = _second_of_hum(sample_rate)
    return np.take(second, rng.integers(sample_rate) + np.arange(n_samples), mode="wrap")


@lru_cache(maxsize=4)
def _second_of_hum(sample_rate: int) -> Wave:
    harmonics = np.arange(1, min(N_HARMONICS, (sample_rate - 1) // (2 * MAINS_HZ)) + 1)
    phases = 2 * np.pi * MAINS_HZ / sample_rate * np.arange(sample_rate)
    second: Wave = (np.sin(harmonics[:, None] * phases) / harmonics[:, None]).sum(0).astype(np.float32)
    return second


def babble(n_samples: int, voices: Sequence[Wave], rng: np.random.Generator) -> Wave:
    """Return six talkers at once, each saying clip after clip in an order of its own, float32 array [n_samples].

    ``voices`` are their clips, equally loud; one at least.
    """
    together: Wave = np.sum([_talk(n_samples, voices, rng) for _ in range(N_TALKERS)], axis=0)
    return together


def _talk(n_samples: int, voices: Sequence[Wave], rng: np.random.Generator) -> Wave:
    order = rng.permutation(len(voices)).tolist()
    skipped = int(rng.integers(len(voices[order[0]])))
    parts: list[Wave] = []
    missing = skipped + n_samples
    for voice in cycle(order):
        parts.append(voices[voice])
        missing -= len(voices[voice])
        if missing <= 0:
            break
    return np.concatenate(parts)[skipped : skipped + n_samples]


def levelled(samples: Wave, sample_rate: int) -> Wave:
    """Return a clip whose speech has power 1, or the clip itself if it is silent."""
    power = speech_power(samples, sample_rate)
    return samples / np.float32(np.sqrt(power)) if power else samples
