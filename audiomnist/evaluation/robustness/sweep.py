"""Accuracy of a trained network on clips that are distorted in every way and strength.

Waveforms are distorted and then go the way of any clip: mel power, trimming, window, network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import map_in_order, read, resample
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import labels
from audiomnist.device import single_threaded_torch
from audiomnist.evaluation.robustness import distortions, noises
from audiomnist.evaluation.robustness.noises import Wave
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.progress import Show, unseen
from audiomnist.runs.robustness import Curve, Robustness
from audiomnist.training.no_digit import split_logits

N_CLIPS = 1000
N_VOICES = 40
_CLIPS_PER_CHUNK = 32
_SNR_DB = (40, 30, 20, 10, 5, 0, -10)
_SHARES = (0, 10, 20, 30, 40, 50)


@dataclass(frozen=True)
class Clip:
    """A clip to distort: its path in the corpus and its waveform, float32 array [L]."""

    path: str
    samples: Wave


Distort = Callable[[Clip, float, np.random.Generator], Wave]


@dataclass(frozen=True)
class Family:
    """One way to distort clips, at several strengths.

    Attributes
    ----------
    levels : tuple of float
        In the order of the axis, from mild to strong or from one side to the other.
    unit : str
        What the levels mean.
    distort : callable
        Clip, level and the clip's own random numbers in, waveform out.
    neutral : float, optional
        The level that stands for the clip as it is, which is not distorted for it.
    scale : str
        Of the axis of levels: ``linear``, or ``log`` where equal ratios are equal steps.
    """

    name: str
    title: str
    unit: str
    levels: tuple[float, ...]
    distort: Distort
    neutral: float | None = None
    scale: Literal["linear", "log"] = "linear"


def sweep(
    recognizer: TorchRecognizer,
    corpus: Corpus,
    clips: NDArray[np.int64],
    *,
    weights: str | None = None,
    progress: Show = unseen,
) -> Robustness:
    """Test a network under every distortion at every level.

    A clip's distortion depends on the seed, its path and the kind of distortion alone. It meets the same noise and the
    same room at every level, so that a curve shows what the level does.

    Raises DataError if a recording cannot be read.

    Parameters
    ----------
    clips : int64 array [n_clips]
        Indices into the corpus; of more than 1,000, as many are tested, spread evenly.
    weights : str, optional
        SHA-256 of the model file, to be noted in the result.
    """
    model, config = recognizer.model, recognizer.model.config
    chosen = clips[spread_evenly(len(clips), N_CLIPS, config.seed)]
    truth = labels(corpus, config.target, model.classes).of_clips[chosen]
    rate = config.features.sample_rate
    subjects = _load(corpus, chosen, rate)
    voices = np.random.default_rng(config.seed).permutation(len(corpus))[:N_VOICES]
    families = all_families(rate, _load(corpus, voices, rate))
    chunks = [subjects[start : start + _CLIPS_PER_CHUNK] for start in range(0, len(subjects), _CLIPS_PER_CHUNK)]

    def accuracy(family: Family | None, level: float) -> float:
        def distorted(clip: Clip) -> Wave:
            if family is None:
                return clip.samples
            return family.distort(clip, level, stream(config.seed, family.name, clip.path))

        def answer(chunk: list[Clip]) -> NDArray[np.int64]:
            logits = recognizer.logits([distorted(clip) for clip in chunk])
            answers: NDArray[np.int64] = split_logits(logits, len(model.classes))[0].argmax(1)
            return answers

        with single_threaded_torch():
            answers = np.concatenate(list(map_in_order(answer, chunks)))
        return float((answers == truth).mean())

    as_they_are: tuple[Family | None, float] = (None, 0.0)
    further = [(family, level) for family in families for level in family.levels if level != family.neutral]
    reached: dict[tuple[Family | None, float], float] = {}
    for condition in (as_they_are, *further):
        reached[condition] = accuracy(*condition)
        progress(len(reached), 1 + len(further))
    clean = reached[as_they_are]
    return Robustness(
        clean=clean,
        chance=1 / len(model.classes),
        n_clips=len(subjects),
        n_available=len(clips),
        seed=config.seed,
        families={
            family.name: Curve(
                title=family.title,
                unit=family.unit,
                scale=family.scale,
                levels=family.levels,
                accuracy=tuple(reached.get((family, level), clean) for level in family.levels),
                n=len(subjects),
            )
            for family in families
        },
        weights=weights,
    )


def all_families(sample_rate: int, voices: Sequence[Clip]) -> list[Family]:
    """Return every family of distortions at a sample rate in Hz.

    Parameters
    ----------
    voices : sequence of Clip
        Who talks in the babble; a clip is not part of its own, unless there is no other.
    """
    levelled = {voice.path: noises.levelled(voice.samples, sample_rate) for voice in voices}

    def babble(clip: Clip, rng: np.random.Generator) -> Wave:
        others = [samples for path, samples in levelled.items() if path != clip.path] or list(levelled.values())
        return noises.babble(len(clip.samples), others, rng)

    def noise(name: str, title: str, make: Callable[[Clip, np.random.Generator], Wave]) -> Family:
        def distort(clip: Clip, level: float, rng: np.random.Generator) -> Wave:
            return noises.add_noise(clip.samples, make(clip, rng), level, sample_rate)

        return Family(name, title, "SNR, dB", _SNR_DB, distort)

    def plain(change: Callable[[Wave, float], Wave]) -> Distort:
        return lambda clip, level, _: change(clip.samples, level)

    def at_rate(change: Callable[[Wave, float, int], Wave]) -> Distort:
        return lambda clip, level, _: change(clip.samples, level, sample_rate)

    def reverberate(clip: Clip, level: float, rng: np.random.Generator) -> Wave:
        return distortions.reverberate(clip.samples, level, sample_rate, rng)

    highest_hz = (8000, 5000, 3400, 2400, 1700)
    return [
        noise("white", "white noise", lambda clip, rng: noises.white_noise(len(clip.samples), rng)),
        noise("pink", "pink noise", lambda clip, rng: noises.pink_noise(len(clip.samples), rng)),
        noise("babble", "babble", babble),
        noise("hum", "mains hum", lambda clip, rng: noises.mains_hum(len(clip.samples), sample_rate, rng)),
        Family("reverberation", "reverberation", "RT60, s", (0.1, 0.3, 0.6, 1.0, 1.5), reverberate),
        Family("speed", "speed", "times as fast", (0.8, 0.9, 1.0, 1.1, 1.25), at_rate(distortions.change_speed), 1),
        Family("pitch", "pitch", "semitones", (-4, -2, 0, 2, 4), at_rate(distortions.change_pitch), 0),
        Family("gain", "gain", "dB", (-60, -40, -20, 0, 20), plain(distortions.change_gain), 0),
        Family("clipping", "clipping", "dB below the peak", (0, 6, 12, 18, 24, 30), plain(distortions.clip_peaks), 0),
        Family("quantisation", "quantisation", "bits", (16, 12, 8, 6, 4), plain(distortions.quantise)),
        Family("band", "narrow band", "from 300 Hz to, Hz", highest_hz, at_rate(distortions.limit_band), scale="log"),
        Family("silence", "leading silence", "ms", (0, 100, 200, 300, 400, 500), at_rate(distortions.delay), 0),
        Family("offset", "DC offset", "of full scale", (0, 0.05, 0.1, 0.15, 0.2), plain(distortions.add_offset), 0),
        Family("start", "start cut off", "% of the speech", _SHARES, at_rate(distortions.cut_start), 0),
        Family("end", "end cut off", "% of the speech", _SHARES, at_rate(distortions.cut_end), 0),
    ]


def spread_evenly(n_clips: int, most: int, seed: int) -> NDArray[np.int64]:
    """Choose at most so many of ``n_clips`` positions: out of each of as many equal stretches one, sampled by the seed.

    Returns int64 array [min(n_clips, most)], ascending.
    """
    borders = np.linspace(0, n_clips, min(n_clips, most) + 1).astype(np.int64)
    chosen: NDArray[np.int64] = np.random.default_rng(seed).integers(borders[:-1], borders[1:])
    return chosen


def stream(seed: int, family: str, path: str) -> np.random.Generator:
    """Return the random numbers for a kind of distortion of the clip at a path, a function of the three alone."""
    digest = hashlib.sha256(f"{family}\0{path}".encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16])])


def _load(corpus: Corpus, clips: NDArray[np.int64], sample_rate: int) -> list[Clip]:
    waveforms = (resample(*read(corpus.file(clip)), sample_rate) for clip in clips.tolist())
    return [Clip(corpus.paths[clip], samples) for clip, samples in zip(clips.tolist(), waveforms, strict=True)]
