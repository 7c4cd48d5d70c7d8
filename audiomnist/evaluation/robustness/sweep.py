"""Accuracy of a trained network on clips that are distorted in every way and strength.

Waveforms are distorted and then go the way of any clip: mel power, trimming, window, network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import map_in_order, read, resample
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import labels
from audiomnist.device import single_threaded_torch
from audiomnist.evaluation.robustness.families import Clip, Family, all_families
from audiomnist.evaluation.robustness.noises import Wave
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.runs.robustness import Curve, Robustness
from audiomnist.training.no_digit import split_logits

N_CLIPS = 1000
N_VOICES = 40
_CLIPS_PER_CHUNK = 32

Progress = Callable[[int, int], None]
Distort = Callable[[Clip], Wave]


def sweep(
    recognizer: TorchRecognizer,
    corpus: Corpus,
    clips: NDArray[np.int64],
    *,
    weights: str | None = None,
    progress: Progress | None = None,
) -> Robustness:
    """Test a network under every distortion at every level.

    A clip's distortion depends on the seed, its path and the kind of distortion alone. It meets the same noise and the
    same room at every level, so that a curve shows what the level does.

    Parameters
    ----------
    clips : int64 array [n_clips]
        Indices into the corpus; of more than 1,000, as many are tested, spread evenly.
    weights : str, optional
        SHA-256 of the model file, to be noted in the result.
    progress : callable, optional
        Called with the conditions done and the conditions in all.

    Raises
    ------
    DataError
        If a recording cannot be read.
    """
    model, config = recognizer.model, recognizer.model.config
    chosen = clips[spread_evenly(len(clips), N_CLIPS, config.seed)]
    truth = labels(corpus, config.target, model.classes).of_clips[chosen]
    rate = config.features.sample_rate
    subjects = _load(corpus, chosen, rate)
    voices = np.random.default_rng(config.seed).permutation(len(corpus))[:N_VOICES]
    families = all_families(rate, _load(corpus, voices, rate))
    n_conditions = sum(level != family.neutral for family in families for level in family.levels) + 1
    chunks = [subjects[start : start + _CLIPS_PER_CHUNK] for start in range(0, len(subjects), _CLIPS_PER_CHUNK)]
    n_done = 0

    def accuracy(distort: Distort) -> float:
        nonlocal n_done

        def answer(chunk: list[Clip]) -> NDArray[np.int64]:
            logits = recognizer.logits([distort(clip) for clip in chunk])
            answers: NDArray[np.int64] = split_logits(logits, len(model.classes))[0].argmax(1)
            return answers

        with single_threaded_torch():
            answers = np.concatenate(list(map_in_order(answer, chunks)))
        n_done += 1
        if progress:
            progress(n_done, n_conditions)
        return float((answers == truth).mean())

    def curve(family: Family) -> Curve:
        def distort(level: float) -> Distort:
            return lambda clip: family.distort(clip, level, lambda: stream(config.seed, family.name, clip.path))

        reached = tuple(clean if level == family.neutral else accuracy(distort(level)) for level in family.levels)
        return Curve(
            title=family.title,
            unit=family.unit,
            scale="log" if family.log else "linear",
            levels=family.levels,
            accuracy=reached,
            n=len(subjects),
        )

    clean = accuracy(lambda clip: clip.samples)
    curves = {family.name: curve(family) for family in families}
    return Robustness(
        clean=clean,
        chance=1 / len(model.classes),
        n_clips=len(subjects),
        n_available=len(clips),
        seed=config.seed,
        families=curves,
        weights=weights,
    )


def spread_evenly(n_clips: int, most: int, seed: int) -> NDArray[np.int64]:
    """Choose at most so many of ``n_clips`` positions: one, drawn by the seed, out of each of as many equal stretches.

    Returns
    -------
    int64 array [min(n_clips, most)]
        Ascending.
    """
    borders = np.linspace(0, n_clips, min(n_clips, most) + 1).astype(np.int64)
    drawn: NDArray[np.int64] = np.random.default_rng(seed).integers(borders[:-1], borders[1:])
    return drawn


def stream(seed: int, family: str, path: str) -> np.random.Generator:
    """Return the random numbers for a kind of distortion of the clip at a path, a function of the three alone."""
    digest = hashlib.sha256(f"{family}\0{path}".encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16])])


def _load(corpus: Corpus, clips: NDArray[np.int64], sample_rate: int) -> list[Clip]:
    waveforms = (resample(*read(corpus.file(clip)), sample_rate) for clip in clips.tolist())
    return [Clip(corpus.paths[clip], samples) for clip, samples in zip(clips.tolist(), waveforms, strict=True)]
