"""Misheard clips on a page: what was heard, the spectrogram, and a player."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

import numpy as np

from audiomnist.audio import Samples
from audiomnist.config import Features
from audiomnist.features.mel import MelPower
from audiomnist.reports.html import data_uri, player
from audiomnist.runs.results import Misclassified

STYLE = """
.clips { display: grid; gap: .9rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.clips figure { margin: 0; display: flex; flex-direction: column; gap: .5rem; overflow-wrap: anywhere; }
.clips figure div { background: #000004; border-radius: 6px; overflow: hidden; }
.clips figure img { margin: 0; height: 7rem; } .clips b { color: var(--mark); } .clips figcaption p { margin: 0; }
.findings { margin-top: .75rem; } .clips { margin-bottom: 1rem; }
"""
_N_MELS, _WINDOW_S, _HOP_S = 40, 0.032, 0.004
_TOP_DB = 70.0


@dataclass(frozen=True)
class Sound:
    """A recording as it is: samples, float32 array [L], and sample rate in Hz."""

    samples: Samples
    sample_rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sample_rate


def cards(clips: Sequence[Misclassified], sounds: Sequence[Sound | None]) -> str:
    """Return a card per clip, numbered; spectrograms have one scale of time, and clips without a sound have none."""
    longest_s = max((sound.seconds for sound in sounds if sound), default=0.0)
    numbered = enumerate(zip(clips, sounds, strict=True), start=1)
    return f'<div class="clips">{"".join(_card(number, *both, longest_s) for number, both in numbered)}</div>'


def _card(number: int, clip: Misclassified, sound: Sound | None, longest_s: float) -> str:
    heard = shown = length = ""
    if sound:
        length = f", {1000 * sound.seconds:.0f} ms"
        picture = data_uri(spectrogram_png(sound.samples, sound.sample_rate), "image/png")
        shown = (
            f'<div><img src="{picture}" style="width:{100 * sound.seconds / longest_s:.1f}%" '
            f'alt="spectrogram: {1000 * sound.seconds:.0f} ms, 0 to {sound.sample_rate / 2000:g} kHz"></div>'
        )
        heard = player(wav(sound.samples, sound.sample_rate))
    return (
        f'<figure class="card"><figcaption><h3>{number}. labelled {escape(clip.label)}, '
        f"heard as <b>{escape(clip.prediction)}</b></h3>"
        f"<p>{escape(clip.prediction)} with {escape(_percent(clip.probability))}, "
        f"{escape(clip.label)} with {escape(_percent(clip.label_probability))}</p></figcaption>"
        f"{shown}{heard}<figcaption><p>{escape(clip.speaker)}, {clip.voice} voice{length}</p>"
        f"<p>{escape(clip.path)}</p></figcaption></figure>"
    )


def spectrogram_png(samples: Samples, sample_rate: int) -> bytes:
    """Draw a clip's log-mel spectrogram from 0 Hz to half its sample rate, a pixel per band and 4 ms.

    Parameters
    ----------
    samples : float32 array [L]
    sample_rate : int
        Hz.
    """
    from matplotlib.image import imsave

    decibels = 10 * np.log10(np.maximum(_mel(sample_rate)([samples]).numpy().T, 1e-10))  # (M, N)
    loudest = decibels.max()
    file = io.BytesIO()
    imsave(file, decibels, vmin=loudest - _TOP_DB, vmax=loudest, cmap="magma", origin="lower", format="png")
    return file.getvalue()


def wav(samples: Samples, sample_rate: int) -> bytes:
    """Return a clip as a WAV file of 16 bits, which every browser plays, whatever the corpus holds.

    Parameters
    ----------
    samples : float32 array [L]
    sample_rate : int
        Hz.
    """
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _percent(probability: float) -> str:
    if probability < 0.0005:
        return "<0.1%"
    return f"{probability:.1%}" if probability < 0.9995 else ">99.9%"


@lru_cache(maxsize=8)
def _mel(sample_rate: int) -> MelPower:
    n_fft = 2 ** round(math.log2(_WINDOW_S * sample_rate))
    hop_length = max(16, round(_HOP_S * sample_rate))
    return MelPower(Features(sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=_N_MELS))
