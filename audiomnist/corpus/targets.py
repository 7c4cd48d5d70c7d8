"""What is recognised: the digit, the speaker, or any other column of the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import CLASSES, Corpus
from audiomnist.errors import ConfigError, count, did_you_mean

UNKNOWN = -1
_MOST_CLASSES = 1_000


@dataclass(frozen=True)
class Labels:
    """The class of every clip of a corpus.

    Attributes
    ----------
    classes : tuple of str
        Names, in the order of the network's outputs.
    of_clips : int64 array [n_clips]
        Indices into ``classes``; ``UNKNOWN`` where the corpus does not say.
    """

    classes: tuple[str, ...]
    of_clips: NDArray[np.int64]


def labels(corpus: Corpus, target: str, classes: Sequence[str] | None = None) -> Labels:
    """Return what a network that recognises ``target`` should say of each clip.

    Raises ConfigError if the corpus has no such column, or too few or too many values in it.

    Parameters
    ----------
    target : str
        ``digit``, ``speaker`` or a column of the corpus, such as ``gender``.
    classes : sequence of str, optional
        Those of a trained network; other values count as unknown. By default the ten digits, or all values, sorted.
    """
    values = column(corpus, target)
    if target == "digit":
        classes = CLASSES
    elif classes is None:
        classes = sorted({value for value in values if value is not None})
        if not 2 <= len(classes) <= _MOST_CLASSES:
            raise ConfigError(
                f"{target} has {count(len(classes), 'value')} in {corpus.root}",
                f"choose a target with 2 to {_MOST_CLASSES:,} values",
            )
    numbers = {name: number for number, name in enumerate(classes)}
    of_clips = [UNKNOWN if value is None else numbers.get(value, UNKNOWN) for value in values]
    return Labels(tuple(classes), np.array(of_clips, dtype=np.int64))


def known_columns(corpus: Corpus) -> dict[str, NDArray[Any]]:
    """Return every column by its name: digit, if clips have one, speaker, and the corpus' own."""
    digits = {"digit": corpus.digits} if (corpus.digits >= 0).any() else {}
    return {**digits, "speaker": corpus.speakers, **corpus.columns}


def column(corpus: Corpus, name: str) -> list[str | None]:
    """Return a column as texts, a value per clip: digit, speaker, or one of the corpus' own; None where unknown.

    Raises ConfigError if the corpus has no such column.
    """
    known = known_columns(corpus)
    if name not in known:
        raise ConfigError(
            f"{corpus.root} has no column {name!r}",
            f"{did_you_mean(name, known)} it has {', '.join(known)}; --target names what to recognise".lstrip(),
        )
    return [None if value is None or not str(value).strip() else str(value) for value in known[name].tolist()]
