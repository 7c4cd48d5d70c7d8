"""Random parts of a corpus, sampled clip by clip or speaker by speaker, by scikit-learn.

It takes a second to import, so only where something is sampled: a run that goes on reads its split.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError

Clips = NDArray[np.int64]
Division = tuple[Clips, Clips]

_CANDIDATES = 32


def sample_part(
    corpus: Corpus, clips: Clips, fraction: float, *, labels: Clips, by_speaker: bool, seed: int, setting: str
) -> Division:
    """Divide clips into those that are kept and those set aside.

    Clip by clip, each label gives its share. By speaker, the most even of several samples is taken: the one in which
    the part set aside comes nearest to its share of every label, and of every gender where that is known.

    Parameters
    ----------
    clips : int64 array [n_clips]
        Indices into the corpus.
    labels : int64 array [len(corpus)]
    setting : str
        Name of the setting that ``fraction`` comes from, for errors.

    Raises
    ------
    DataError
        If there are too few clips or speakers.
    """
    from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

    speakers, of_clips = corpus.speakers[clips], labels[clips]
    try:
        if by_speaker:
            candidates = GroupShuffleSplit(_CANDIDATES, test_size=fraction, random_state=seed)
            kinds = _kinds(corpus, labels)[clips]
            divisions = candidates.split(clips, groups=speakers)
            kept, taken = min(divisions, key=lambda division: _unevenness(kinds, division[1], fraction))
        else:
            one = StratifiedShuffleSplit(1, test_size=fraction, random_state=seed)
            kept, taken = next(one.split(clips, of_clips))
    except ValueError as error:
        what = "speakers" if by_speaker else "clips of each class"
        raise DataError(
            f"cannot set aside {100 * fraction:.0f} % of {len(clips)} clips: too few {what}",
            f"change it with --set {setting}=..., or use a larger corpus"
            + (" or --split random" if by_speaker else ""),
        ) from error
    return np.sort(clips[kept]), np.sort(clips[taken])


def sample_folds(corpus: Corpus, count: int, *, labels: Clips, by_speaker: bool, seed: int) -> list[Division]:
    """Return ``count`` divisions that together set every clip aside once.

    Raises
    ------
    DataError
        If there are fewer speakers, or fewer clips of a label, than folds.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    everything = np.arange(len(corpus))
    if not by_speaker:
        scarcest = int(np.unique(labels, return_counts=True)[1].min())
        if scarcest < count:
            raise DataError(
                f"{count} folds need {count} clips of each class; the rarest has {scarcest}",
                f"use --folds {scarcest}" if scarcest > 1 else "add clips",
            )
        return list(StratifiedKFold(count, shuffle=True, random_state=seed).split(everything, labels))
    n_speakers = len(set(corpus.speakers.tolist()))
    if n_speakers < count:
        raise DataError(
            f"{count} folds by speaker need as many speakers; this corpus has {n_speakers}",
            f"use --folds {n_speakers}" if n_speakers > 1 else "use --scheme random",
        )
    first = _CANDIDATES * seed % 2**32
    candidates = [
        list(GroupKFold(count, shuffle=True, random_state=candidate).split(everything, groups=corpus.speakers))
        for candidate in range(first, first + _CANDIDATES)
    ]
    kinds = _kinds(corpus, labels)
    return min(candidates, key=lambda folds: sum(_unevenness(kinds, taken, 1 / count) for _, taken in folds))


def _kinds(corpus: Corpus, labels: Clips) -> Clips:
    """Return what a division by speaker should be even in, as small integers: int64 array [n_clips, n_kinds]."""
    genders = corpus.columns.get("gender", np.full(len(corpus), None))
    return np.column_stack([labels, np.unique(genders.astype(str), return_inverse=True)[1]])


def _unevenness(kinds: Clips, taken: Clips, fraction: float) -> float:
    """Return how far the share set aside of any value is from ``fraction`` at worst, summed over the kinds."""
    worst = 0.0
    for column in kinds.T:
        n_all = np.bincount(column)
        shares = np.bincount(column[taken], minlength=len(n_all))[n_all > 0] / n_all[n_all > 0]
        worst += float(np.abs(shares - fraction).max())
    return worst
