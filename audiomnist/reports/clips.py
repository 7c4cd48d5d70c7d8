"""A recording on a page: its spectrogram and a player."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from audiomnist.audio import Samples
from audiomnist.config import Features
from audiomnist.features.mel import MelPower

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

    @property
    def picture(self) -> str:
        """The spectrogram, as an address."""
        return f"data:image/png;base64,{base64.b64encode(spectrogram_png(self)).decode()}"

    @property
    def recording(self) -> str:
        """A WAV file of 16 bits, which every browser plays, whatever the corpus holds, as an address."""
        import soundfile

        file = io.BytesIO()
        soundfile.write(file, self.samples, self.sample_rate, format="WAV", subtype="PCM_16")
        return f"data:audio/wav;base64,{base64.b64encode(file.getvalue()).decode()}"

    @property
    def ticks(self) -> list[tuple[str, float]]:
        """Frequencies for the spectrogram's axis, and how far up they lie in percent."""

        def mel(hz: float) -> float:
            return math.log10(1 + hz / 700)

        top_hz = self.sample_rate / 2
        shown = [hz for hz in _HZ_SHOWN if hz < 0.8 * top_hz]
        return [(f"{hz / 1000:g} kHz", 100 * mel(hz) / mel(top_hz)) for hz in shown[-3:]]


def spectrogram_png(sound: Sound) -> bytes:
    """Draw a clip's log-mel spectrogram from 0 Hz to half its sample rate, a pixel per band and 4 ms."""
    from matplotlib.image import imsave

    power = _mel(sound.sample_rate)([sound.samples]).numpy()
    decibels = 10 * np.log10(np.maximum(power.T, 1e-10))  # (M, N)
    loudest = decibels.max()
    file = io.BytesIO()
    imsave(file, decibels, vmin=loudest - _TOP_DB, vmax=loudest, cmap="magma", origin="lower", format="png")
    return file.getvalue()


@lru_cache(maxsize=8)
def _mel(sample_rate: int) -> MelPower:
    n_fft = 2 ** round(math.log2(_WINDOW_S * sample_rate))
    hop_length = max(16, round(_HOP_S * sample_rate))
    return MelPower(Features(sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=_N_MELS))
