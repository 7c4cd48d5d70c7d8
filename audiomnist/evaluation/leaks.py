"""What makes a test claim more than is true: the same speaker or the same recording in training and test."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split, promises_new_voices
from audiomnist.corpus.targets import labels
from audiomnist.errors import DataError, indented
from audiomnist.features.store import FeatureStore
from audiomnist.runs.split_file import SplitFile


def check(config: Config, corpus: Corpus, store: FeatureStore, split: Split) -> None:
    """Raise DataError if a split does not keep what it promises.

    That is if a recording stands in two parts, or a speaker under a scheme that keeps speakers apart, or if a class
    that is tested has nothing to train on. Recordings are compared by their sound, which the corpus's store knows, so
    a copy in another lossless format is found as well.
    """
    if promises_new_voices(config.split.scheme):
        _check_speakers(corpus, split)
    _check_recordings(corpus, store, split)
    known = labels(corpus, config.target)
    tested, trained = (set(known.of_clips[clips].tolist()) for clips in (split.test, split.train))
    if missing := sorted(known.classes[label] for label in tested - trained):
        raise DataError(
            f"no clips to train on for {config.target} {', '.join(missing)}, which is tested",
            "use another split, or add clips",
        )


def count_trained_on(
    split: SplitFile, root: Path | None, corpus: Corpus, store: FeatureStore, clips: NDArray[np.int64]
) -> int | None:
    """Return how many clips a run was trained on or chosen by, None if that is not known.

    Recordings are compared by their sound. Runs of earlier versions did not write that down: there files are compared,
    links followed.

    Parameters
    ----------
    root : Path, optional
        Folder of the corpus that the run was trained on; None if it is gone.
    corpus, store
        Tested, with the indices of ``clips`` into both.
    """
    rows = [row for row in split.rows if row.part != "test"]
    if all(row.digest for row in rows):
        trained_on = {row.digest for row in rows}
        digests = store.digests
        return sum(digests[clip].hex() in trained_on for clip in clips.tolist())
    if root is None:
        return None
    files = {(root / row.path).resolve() for row in rows}
    return sum(corpus.file(clip).resolve() in files for clip in clips.tolist())


def _check_speakers(corpus: Corpus, split: Split) -> None:
    speakers = {part: set(corpus.speakers[clips].tolist()) for part, clips in split.parts.items()}
    for first, second in combinations(speakers, 2):
        if shared := sorted(speakers[first] & speakers[second]):
            raise DataError(
                f"{len(shared)} speakers are in both {first} and {second}, such as {shared[0]}; "
                "this split must not share speakers",
                "start a new run, which makes a new split",
            )


def _check_recordings(corpus: Corpus, store: FeatureStore, split: Split) -> None:
    part_of = {clip: part for part, clips in split.parts.items() for clip in clips.tolist()}
    digests, index = store.digests, store.index
    first_of: dict[bytes, int] = {}
    shared = []
    for clip in sorted(part_of):
        if index.lowest[clip] == index.highest[clip]:  # silence is no recording of anything
            continue
        first = first_of.setdefault(digests[clip], clip)
        if part_of[first] != part_of[clip]:
            shared.append(f"{corpus.paths[first]} ({part_of[first]}) = {corpus.paths[clip]} ({part_of[clip]})")
    if shared:
        raise DataError(
            f"{len(shared)} recordings are in two parts of the split\n{indented(shared)}",
            "leave one of each pair out with --exclude-file; 'audiomnist validate --deep' lists duplicates",
        )
