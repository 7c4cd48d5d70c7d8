"""Published splits, so that results can be compared with others'."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.errors import ConfigError

Clips = NDArray[np.int64]

_FSDD_TEST_REPETITIONS = 5


def becker(corpus: Corpus, target: str, number: int) -> tuple[Clips, Clips, Clips]:
    """Return training, validation and test clips of a split of the AudioMNIST paper (Becker et al., 2018), by speaker.

    The lists are those of the paper's own code, github.com/soerenab/AudioMNIST, ``preprocess_data.py``.

    Parameters
    ----------
    target : str
        ``digit``, five splits of 36, 12 and 12 speakers, or ``gender``, four of 12, 6 and 6.
    number : int
        From 0.

    Raises
    ------
    ConfigError
        If the corpus lacks one of these speakers.
    """
    lists = _becker_lists()[target]
    parts = [[f"{speaker:02d}" for speaker in lists[part][number]] for part in ("train", "validate", "test")]
    missing = sorted({speaker for part in parts for speaker in part}.difference(corpus.speakers.tolist()))
    if missing:
        raise ConfigError(
            f"the splits of the AudioMNIST paper need its speakers; {corpus.root} lacks {len(missing)} of them: "
            + ", ".join(missing[:6])
            + (", ..." if len(missing) > 6 else ""),
            "for this corpus use the scheme 'speaker'",
        )
    train, validation, test = (np.flatnonzero(np.isin(corpus.speakers, part)) for part in parts)
    return train, validation, test


def n_becker(target: str) -> int:
    """Return how many splits the paper has for ``digit`` or ``gender``."""
    return len(_becker_lists()[target]["test"])


def fsdd_test(corpus: Corpus) -> Clips:
    """Return the official test clips of the Free Spoken Digit Dataset: those numbered 0 to 4.

    Raises
    ------
    ConfigError
        If the corpus is none of its layout, or has no such clips or no others.
    """
    tested = corpus.repetitions < _FSDD_TEST_REPETITIONS
    if corpus.layout != "fsdd" or tested.all() or not tested.any():
        raise ConfigError(
            f"{corpus.root} has no official test set: that is for FSDD, clips named <digit>_<speaker>_<0 to 4>.wav",
            "use the scheme 'random' or 'speaker'",
        )
    return np.flatnonzero(tested)


def speech_commands_parts(corpus: Corpus) -> tuple[Clips, Clips, Clips]:
    """Return training, validation and test clips as the lists of Speech Commands name them.

    Raises
    ------
    ConfigError
        If the corpus is none of its layout, or ``validation_list.txt`` or ``testing_list.txt`` is not there.
    """
    if corpus.layout != "speech-commands" or "split" not in corpus.columns:
        raise ConfigError(
            f"{corpus.root} has no validation_list.txt and testing_list.txt beside Speech Commands folders",
            "get it whole: audiomnist download speech-commands; or use the scheme 'speaker'",
        )
    train, validation, test = (
        np.flatnonzero(corpus.columns["split"] == part) for part in ("train", "validation", "test")
    )
    return train, validation, test


@cache
def _becker_lists() -> dict[str, dict[str, list[list[int]]]]:
    text = files("audiomnist.corpus").joinpath("becker_splits.json").read_text(encoding="utf-8")
    lists: dict[str, dict[str, list[list[int]]]] = json.loads(text)
    return lists
