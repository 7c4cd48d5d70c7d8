"""What microphones, lines, rooms and speakers do to a clip, done to its waveform.

Every function is pure, takes and returns float32 arrays at one sample rate with full scale 1, and leaves values beyond
full scale alone unless clipping is what it is there for.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from audiomnist.evaluation.robustness.noises import Wave, frame_length, frame_powers

LOWEST_OF_BAND_HZ = 300
_HOP_MS = 15
_SPEECH_BELOW_PEAK_DB = 35.0


def change_speed(samples: Wave, speed: float, sample_rate: int) -> Wave:
    """Play a clip faster or slower at the same pitch, 1.25 times as fast to a length of L / 1.25.

    WSOLA (Verhelst and Roelands, ICASSP 1993): windows of 30 ms overlap by half, and each is taken from the place
    within 7.5 ms of its own that looks most like what followed the window before it.
    """
    hop = sample_rate * _HOP_MS // 1000
    reach = hop // 2
    window = scipy.signal.get_window("hann", 2 * hop).astype(np.float32)
    n_samples = max(1, round(len(samples) / speed))
    n_frames = -(-n_samples // hop) + 1
    padded = np.pad(samples, (hop + reach, round(n_frames * hop * speed) + 2 * hop))
    changed = np.zeros((n_frames + 1) * hop, np.float32)
    begin = reach
    for frame in range(n_frames):
        if frame:
            earliest = round(frame * hop * speed)
            begin = earliest + _most_alike(
                padded[earliest : earliest + 2 * reach + hop], padded[begin + hop : begin + 2 * hop]
            )
        changed[frame * hop : (frame + 2) * hop] += window * padded[begin : begin + 2 * hop]
    return changed[hop : hop + n_samples]


def _most_alike(samples: Wave, pattern: Wave) -> int:
    """Return where in ``samples`` the normalised correlation with a pattern is highest; the middle if none is."""
    energy = np.concatenate([[0], np.square(samples, dtype=np.float64).cumsum()])
    energy = energy[len(pattern) :] - energy[: -len(pattern)]
    likeness = np.correlate(samples, pattern, "valid") / np.sqrt(energy.clip(min=1e-20))
    return int(likeness.argmax()) if likeness.any() else len(likeness) // 2


def change_pitch(samples: Wave, semitones: float, sample_rate: int) -> Wave:
    """Play a clip higher or lower, formants and all, at the same speed: stretched, then played faster."""
    ratio = 2 ** (semitones / 12)
    stretched = change_speed(samples, 1 / ratio, sample_rate)
    margin = sample_rate * _HOP_MS // 1000  # the resampling is circular
    length = scipy.fft.next_fast_len(len(stretched) + margin, real=True)
    stretched = np.pad(stretched, (0, length - len(stretched)))
    resampled: Wave = scipy.signal.resample(stretched, max(len(samples), round(length / ratio)))
    return resampled[: len(samples)]


def change_gain(samples: Wave, gain_db: float) -> Wave:
    """Make a clip louder or quieter."""
    return samples * np.float32(10 ** (gain_db / 20))


def clip_peaks(samples: Wave, overdrive_db: float) -> Wave:
    """Cut off what lies above a ceiling ``overdrive_db`` dB below the clip's highest peak."""
    ceiling = np.abs(samples).max() * np.float32(10 ** (-overdrive_db / 20))
    return np.clip(samples, -ceiling, ceiling)


def limit_band(samples: Wave, highest_hz: float, sample_rate: int) -> Wave:
    """Let through 300 Hz to ``highest_hz``: an elliptic filter of order 8, 0.5 dB of ripple, 60 dB down outside.

    With 3,400 Hz this is the telephone band (ITU-T G.712). Half the sample rate ends the band where that comes first.
    """
    filtered: Wave = scipy.signal.sosfilt(_band(highest_hz, sample_rate), samples).astype(np.float32)
    return filtered


@lru_cache(maxsize=16)
def _band(highest_hz: float, sample_rate: int) -> NDArray[np.float64]:
    if highest_hz < 0.49 * sample_rate:
        band: Any = {"Wn": (LOWEST_OF_BAND_HZ, highest_hz), "btype": "bandpass"}
    else:
        band = {"Wn": LOWEST_OF_BAND_HZ, "btype": "highpass"}
    sections: NDArray[np.float64] = scipy.signal.ellip(8, 0.5, 60, **band, output="sos", fs=sample_rate)
    return sections


def quantise(samples: Wave, bits: float) -> Wave:
    """Round to the steps of so many bits, full scale to full scale."""
    steps = np.float32(2 ** (bits - 1))
    rounded = np.round(samples * steps).clip(-steps, steps - 1) / steps
    return rounded.astype(np.float32, copy=False)


def delay(samples: Wave, silence_ms: float, sample_rate: int) -> Wave:
    """Put digital silence before a clip."""
    n_samples = round(silence_ms * sample_rate / 1000)
    return np.concatenate([np.zeros(n_samples, np.float32), samples])


def add_offset(samples: Wave, offset: float) -> Wave:
    """Add a constant, as a part of full scale."""
    return samples + np.float32(offset)


def cut_start(samples: Wave, percent: float, sample_rate: int) -> Wave:
    """Take away the first so many percent of the speech and all that came before, as by a recorder started late.

    Speech lasts from the first to the last frame of 10 ms within 35 dB of the loudest one.
    """
    first, last = _speech(samples, sample_rate)
    return samples[min(first + round((last - first) * percent / 100), len(samples) - 1) :]


def cut_end(samples: Wave, percent: float, sample_rate: int) -> Wave:
    """Take away the last so many percent of the speech and all that came after; see ``cut_start``."""
    return cut_start(samples[::-1], percent, sample_rate)[::-1]


def _speech(samples: Wave, sample_rate: int) -> tuple[int, int]:
    """Return the first sample of the speech and the one after its last."""
    powers = frame_powers(samples, sample_rate)
    sounding = np.flatnonzero(powers >= powers.max() * 10 ** (-_SPEECH_BELOW_PEAK_DB / 10))
    length = frame_length(samples, sample_rate)
    return int(sounding[0]) * length, int(sounding[-1] + 1) * length


def reverberate(samples: Wave, rt60_s: float, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Play a clip in a room, recorded at the distance where direct sound and reverberation are equally strong.

    What still rings when the clip ends is cut off, so that the length stays.
    """
    response = room_response(rt60_s, sample_rate, rng)[: len(samples)]
    wet: Wave = scipy.signal.fftconvolve(samples, response)[: len(samples)]
    return wet


def room_response(rt60_s: float, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Return a room's impulse response: a direct impulse 1, then Gaussian noise of energy 1 that dies away.

    Polack's model (1988, after Schroeder): the noise's power falls by 60 dB in ``rt60_s`` seconds, where it ends.
    float32 array [max(2, rt60_s * sample_rate)].
    """
    seconds = np.arange(max(2, round(rt60_s * sample_rate)), dtype=np.float32) / sample_rate
    response = rng.standard_normal(len(seconds), dtype=np.float32)
    response *= np.exp(-math.log(1000) / rt60_s * seconds)
    response[0] = 0
    response /= np.sqrt(np.square(response).sum())
    response[0] = 1
    return response
