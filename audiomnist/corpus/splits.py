"""Who is trained on and who is tested. scikit-learn draws; what is kept is a list of clip indices per part."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Split as SplitSettings
from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError

Clips = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Indices into a corpus, each clip in at most one part; ``held_out`` names the voices only tested."""

    train: Clips
    validation: Clips
    test: Clips
    held_out: tuple[str, ...] = ()

    def with_extra(self, first: int, end: int) -> "Split":
        """Return the split with further clips to train on: those from index ``first`` to before ``end``."""
        return replace(self, train=np.concatenate([self.train, np.arange(first, end)]))


def split(corpus: Corpus, settings: SplitSettings, seed: int) -> Split:
    """Divide a corpus into training, validation and test clips.

    ``random`` draws clips, as many of each digit, so the same voices stand in all parts; ``speaker`` draws whole
    speakers, so that no voice stands in two.

    Raises
    ------
    DataError
        If the corpus is too small to be divided so.
    """
    everything = np.arange(len(corpus))
    by_speaker = settings.scheme == "speaker"
    rest, test = _divide(corpus, everything, settings, "test_fraction", seed)
    train, validation = rest, rest[:0]
    if settings.validation_fraction:
        train, validation = _divide(corpus, rest, settings, "validation_fraction", seed + 1)
    return Split(train, validation, test, _speakers(corpus, test) if by_speaker else ())


def folds(corpus: Corpus, count: int, seed: int, *, by_speaker: bool) -> Iterator[Split]:
    """Yield ``count`` splits that together test every clip once.

    Parameters
    ----------
    by_speaker : bool
        Keep each speaker's clips in one fold, to measure unseen voices; else stratify by digit.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    everything = np.arange(len(corpus))
    if by_speaker:
        n_speakers = len(set(corpus.speakers.tolist()))
        if n_speakers < count:
            raise DataError(
                f"{count} folds by speaker need as many speakers; this corpus has {n_speakers}",
                f"use --folds {n_speakers}" if n_speakers > 1 else "leave out --group speaker",
            )
        parts = GroupKFold(count, shuffle=True, random_state=seed).split(everything, groups=corpus.speakers)
    else:
        scarcest = int(np.unique(corpus.digits, return_counts=True)[1].min())
        if scarcest < count:
            raise DataError(
                f"{count} folds need {count} clips of each digit; the scarcest has {scarcest}",
                f"use --folds {scarcest}" if scarcest > 1 else "add clips",
            )
        parts = StratifiedKFold(count, shuffle=True, random_state=seed).split(everything, corpus.digits)
    for train, test in parts:
        yield Split(train, train[:0], test, _speakers(corpus, test) if by_speaker else ())


def _divide(corpus: Corpus, clips: Clips, settings: SplitSettings, part: str, seed: int) -> tuple[Clips, Clips]:
    """Set a part of the clips aside, as large as the setting named ``part`` says."""
    from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

    by_speaker, fraction = settings.scheme == "speaker", getattr(settings, part)
    kind = GroupShuffleSplit if by_speaker else StratifiedShuffleSplit
    splitter = kind(n_splits=1, test_size=fraction, random_state=seed)
    groups = corpus.speakers[clips] if by_speaker else None
    try:
        kept, taken = next(splitter.split(clips, corpus.digits[clips], groups))
    except ValueError as error:
        unit = "speakers" if by_speaker else "clips of each digit"
        raise DataError(
            f"cannot set aside {fraction:.0%} of {len(clips)} clips: too few {unit} ({error})",
            f"change it with --set split.{part}=..., or use a larger corpus"
            + (" or --split random" if by_speaker else ""),
        ) from error
    return np.sort(clips[kept]), np.sort(clips[taken])


def _speakers(corpus: Corpus, clips: Clips) -> tuple[str, ...]:
    return tuple(sorted(set(corpus.speakers[clips].tolist())))
