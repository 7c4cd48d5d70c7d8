"""What makes a test say more than is true: the same voice or the same recording on both sides of a split."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split, promises_new_voices
from audiomnist.corpus.targets import labels
from audiomnist.errors import DataError, indented
from audiomnist.features.store import FeatureStore

_PARTS = ("train", "validation", "test")


def check(config: Config, corpus: Corpus, store: FeatureStore, split: Split) -> None:
    """Raise if a split does not keep what it promises.

    Parameters
    ----------
    store : FeatureStore
        Of the corpus; recordings are compared by their features, so a copy in another format is found as well.

    Raises
    ------
    DataError
        If a recording stands in two parts, or a speaker under a scheme that keeps speakers apart, or if a class that
        is tested has nothing to train on.
    """
    if promises_new_voices(config.split.scheme):
        _check_speakers(corpus, split)
    _check_recordings(corpus, store, split)
    known = labels(corpus, config.target)
    tested, trained = (set(known.of_clips[clips].tolist()) for clips in (split.test, split.train))
    if missing := sorted(known.classes[label] for label in tested - trained):
        raise DataError(
            f"nothing to train on for {config.target} {', '.join(missing)}, which is tested",
            "use another split, or add clips",
        )


def _check_speakers(corpus: Corpus, split: Split) -> None:
    voices = {part: set(corpus.speakers[getattr(split, part)].tolist()) for part in _PARTS}
    for first, second in (("train", "test"), ("validation", "test"), ("train", "validation")):
        if shared := sorted(voices[first] & voices[second]):
            raise DataError(
                f"{len(shared)} speakers stand in both {first} and {second}, such as {shared[0]}; "
                "this split promises voices that are not shared",
                "draw it anew: start a new run",
            )


def _check_recordings(corpus: Corpus, store: FeatureStore, split: Split) -> None:
    part_of = {clip: part for part in _PARTS for clip in getattr(split, part).tolist()}
    first_of: dict[bytes, int] = {}
    shared = []
    for clip in _alike(store, np.array(sorted(part_of), dtype=np.int64)).tolist():
        start = int(store.index.starts[clip])
        frames = store.frames[start : start + int(store.index.n_frames[clip])]
        first = first_of.setdefault(hashlib.sha256(frames.numpy().data).digest(), clip)
        if part_of[first] != part_of[clip]:
            shared.append(f"{corpus.paths[first]} ({part_of[first]}) = {corpus.paths[clip]} ({part_of[clip]})")
    if shared:
        raise DataError(
            f"{len(shared)} recordings stand in two parts of the split\n{indented(shared)}",
            "leave one of each pair out with --exclude-file; 'audiomnist validate --deep' lists duplicates",
        )


def _alike(store: FeatureStore, clips: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the clips that share length and extreme samples with another; silent ones do not count."""
    index = store.index
    clips = clips[index.lowest[clips] < index.highest[clips]]
    facts = np.column_stack([index.n_samples[clips], index.lowest[clips], index.highest[clips]])
    if not len(clips):
        return clips
    _, group, size = np.unique(facts, axis=0, return_inverse=True, return_counts=True)
    return clips[size[group.ravel()] > 1]
