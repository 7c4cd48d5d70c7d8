"""Misclassified clips on a page: prediction, spectrogram and a player."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiomnist.audio import Samples, read
from audiomnist.config import Features
from audiomnist.features.mel import MelPower
from audiomnist.reports.pages import data_uri
from audiomnist.reports.sentences import given
from audiomnist.runs.results import Misclassified

_N_MELS, _WINDOW_S, _HOP_S = 40, 0.032, 0.004
_TOP_DB = 70.0
_HZ_SHOWN = (500, 1_000, 2_000, 4_000, 8_000, 16_000)


@dataclass(frozen=True)
class Sound:
    """A recording as it is: samples, float32 array [L], and sample rate in Hz."""

    samples: Samples
    sample_rate: int

    @property
    def milliseconds(self) -> int:
        """How long it lasts."""
        return round(1000 * len(self.samples) / self.sample_rate)


class Tick(NamedTuple):
    """A frequency on the axis of a spectrogram, and how far up it lies."""

    label: str
    percent: float


@dataclass(frozen=True)
class ClipCard:
    """What a page shows of a clip; addresses are empty if the recording is no longer there."""

    clip: Misclassified
    confidences: str
    milliseconds: int = 0
    longest_ms: int = 0
    picture: str = ""
    sound: str = ""
    ticks: tuple[Tick, ...] = ()

    @property
    def width_percent(self) -> float:
        """The part of the common time axis that the clip takes."""
        return 100 * self.milliseconds / self.longest_ms


def read_sound(path: Path) -> Sound:
    """Read a recording; raise DataError if that cannot be done."""
    return Sound(*read(path))


def cards(clips: Sequence[Misclassified], sounds: Sequence[Sound | None]) -> list[ClipCard]:
    """Return a card per clip; their spectrograms share one time axis."""
    longest_ms = max((sound.milliseconds for sound in sounds if sound), default=0)
    found = []
    for clip, sound in zip(clips, sounds, strict=True):
        confidences = given(clip)
        if sound is None:
            found.append(ClipCard(clip, confidences))
            continue
        picture = data_uri(spectrogram_png(sound), "image/png")
        heard = data_uri(wav(sound), "audio/wav")
        ticks = _ticks(sound.sample_rate)
        found.append(ClipCard(clip, confidences, sound.milliseconds, longest_ms, picture, heard, ticks))
    return found


def spectrogram_png(sound: Sound) -> bytes:
    """Draw a clip's log-mel spectrogram from 0 Hz to half its sample rate, a pixel per band and 4 ms."""
    from matplotlib.image import imsave

    power = _mel(sound.sample_rate)([sound.samples]).numpy()
    decibels = 10 * np.log10(np.maximum(power.T, 1e-10))  # (M, N)
    loudest = decibels.max()
    file = io.BytesIO()
    imsave(file, decibels, vmin=loudest - _TOP_DB, vmax=loudest, cmap="magma", origin="lower", format="png")
    return file.getvalue()


def wav(sound: Sound) -> bytes:
    """Return a clip as a WAV file of 16 bits, which every browser plays, whatever the corpus holds."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound.samples, sound.sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _ticks(sample_rate: int) -> tuple[Tick, ...]:
    def mel(hz: float) -> float:
        return math.log10(1 + hz / 700)

    top_hz = sample_rate / 2
    shown = [hz for hz in _HZ_SHOWN if hz < 0.8 * top_hz]
    return tuple(Tick(f"{hz / 1000:g} kHz", 100 * mel(hz) / mel(top_hz)) for hz in shown[-3:])


@lru_cache(maxsize=8)
def _mel(sample_rate: int) -> MelPower:
    n_fft = 2 ** round(math.log2(_WINDOW_S * sample_rate))
    hop_length = max(16, round(_HOP_S * sample_rate))
    return MelPower(Features(sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=_N_MELS))
