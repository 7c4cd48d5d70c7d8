"""Which distortions are tried, and how strong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from audiomnist.evaluation.robustness import distortions, noises
from audiomnist.evaluation.robustness.noises import Wave

Stream = Callable[[], np.random.Generator]

_SNR_DB = (40, 30, 20, 10, 5, 0, -10)
_SHARES = (0, 10, 20, 30, 40, 50)


@dataclass(frozen=True)
class Clip:
    """A clip to distort: its path in the corpus and its waveform, float32 array [L]."""

    path: str
    samples: Wave


Distort = Callable[[Clip, float, Stream], Wave]


@dataclass(frozen=True)
class Family:
    """One way to distort clips, at several strengths.

    Attributes
    ----------
    levels : tuple of float
        In the order in which they are drawn, from mild to strong or from one side to the other.
    unit : str
        What the levels mean.
    distort : callable
        Clip, level and what opens the clip's own stream of random numbers in, waveform out.
    neutral : float, optional
        The level that leaves a clip as it is.
    log : bool
        Whether equal ratios of levels are equal steps.
    """

    name: str
    title: str
    unit: str
    levels: tuple[float, ...]
    distort: Distort
    neutral: float | None = None
    log: bool = False


def all_families(sample_rate: int, voices: Sequence[Clip]) -> list[Family]:
    """Return every family of distortions at a sample rate in Hz.

    Parameters
    ----------
    voices : sequence of Clip
        Who talks in the babble. A clip never hears itself, unless there is no other.
    """
    levelled = {voice.path: noises.levelled(voice.samples, sample_rate) for voice in voices}

    def babble(clip: Clip, draw: np.random.Generator) -> Wave:
        others = [samples for path, samples in levelled.items() if path != clip.path] or list(levelled.values())
        return noises.babble(len(clip.samples), others, draw)

    def noise(name: str, title: str, make: Callable[[Clip, np.random.Generator], Wave]) -> Family:
        def distort(clip: Clip, level: float, stream: Stream) -> Wave:
            return noises.add_noise(clip.samples, make(clip, stream()), level, sample_rate)

        return Family(name, title, "SNR, dB", _SNR_DB, distort)

    def plain(change: Callable[[Wave, float], Wave]) -> Distort:
        return lambda clip, level, _: change(clip.samples, level)

    def at_rate(change: Callable[[Wave, float, int], Wave]) -> Distort:
        return lambda clip, level, _: change(clip.samples, level, sample_rate)

    def reverberate(clip: Clip, level: float, stream: Stream) -> Wave:
        return distortions.reverberate(clip.samples, level, sample_rate, stream())

    highest_hz = (8000, 5000, 3400, 2400, 1700)
    return [
        noise("white", "white noise", lambda clip, draw: noises.white_noise(len(clip.samples), draw)),
        noise("pink", "pink noise", lambda clip, draw: noises.pink_noise(len(clip.samples), draw)),
        noise("babble", "babble", babble),
        noise("hum", "mains hum", lambda clip, draw: noises.mains_hum(len(clip.samples), sample_rate, draw)),
        Family("reverberation", "reverberation", "RT60, s", (0.1, 0.3, 0.6, 1.0, 1.5), reverberate),
        Family("speed", "speed", "times as fast", (0.8, 0.9, 1.0, 1.1, 1.25), at_rate(distortions.change_speed), 1),
        Family("pitch", "pitch", "semitones", (-4, -2, 0, 2, 4), at_rate(distortions.change_pitch), 0),
        Family("gain", "gain", "dB", (-60, -40, -20, 0, 20), plain(distortions.change_gain), 0),
        Family("clipping", "clipping", "dB below the peak", (0, 6, 12, 18, 24, 30), plain(distortions.clip_peaks), 0),
        Family("quantisation", "quantisation", "bits", (16, 12, 8, 6, 4), plain(distortions.quantise)),
        Family("band", "narrow band", "from 300 Hz to, Hz", highest_hz, at_rate(distortions.limit_band), log=True),
        Family("silence", "leading silence", "ms", (0, 100, 200, 300, 400, 500), at_rate(distortions.delay), 0),
        Family("offset", "DC offset", "of full scale", (0, 0.05, 0.1, 0.15, 0.2), plain(distortions.add_offset), 0),
        Family("start", "start cut off", "% of the speech", _SHARES, at_rate(distortions.cut_start), 0),
        Family("end", "end cut off", "% of the speech", _SHARES, at_rate(distortions.cut_end), 0),
    ]
