"""Random parts of a corpus, sampled clip by clip or speaker by speaker.

Folds come from scikit-learn. A single split is sampled here, and holds the clips that scikit-learn would choose:
importing it takes a second, which is a tenth of a short training.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError

Clips = NDArray[np.int64]
Division = tuple[Clips, Clips]
Taken = NDArray[np.bool_]

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
    random = np.random.RandomState(seed)  # a legacy generator, whose numbers are promised never to change
    units = corpus.speakers[clips] if by_speaker else labels[clips]
    names, of_clips, counts = np.unique(units, return_inverse=True, return_counts=True)
    n_units = len(names) if by_speaker else len(clips)
    n_taken = math.ceil(fraction * n_units)
    n_least = 1 if by_speaker else len(names)
    if (not by_speaker and min(counts, default=0) < 2) or min(n_taken, n_units - n_taken) < n_least:
        what = "speakers" if by_speaker else "clips of each class"
        raise DataError(
            f"cannot set aside {fraction:.0%} of {len(clips)} clips: too few {what}",
            f"change it with --set {setting}=..., or use a larger corpus"
            + (" or --split random" if by_speaker else ""),
        )
    if by_speaker:
        # as GroupShuffleSplit(test_size=fraction) of scikit-learn samples
        candidates = (np.isin(of_clips, random.permutation(n_units)[:n_taken]) for _ in range(_CANDIDATES))
        kinds = _kinds(corpus, labels)[clips]
        taken = min(candidates, key=lambda taken: _unevenness(kinds, taken, fraction))
    else:
        taken = _sample_by_label(of_clips, n_taken, random)
    return np.sort(clips[~taken]), np.sort(clips[taken])


def _sample_by_label(labels: Clips, n_taken: int, random: np.random.RandomState) -> Taken:
    """Sample the same share of every label, as ``StratifiedShuffleSplit`` of scikit-learn does."""
    counts = np.bincount(labels)
    n_kept = _shared_out(counts, len(labels) - n_taken, random)
    _shared_out(counts - n_kept, n_taken, random)  # the rest, but it may use up a random number, as in scikit-learn
    taken = np.zeros(len(labels), np.bool_)
    by_label = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    for clips, count in zip(by_label, n_kept.tolist(), strict=True):
        taken[clips[random.permutation(len(clips))[count:]]] = True
    return taken


def _shared_out(counts: Clips, n_wanted: int, random: np.random.RandomState) -> Clips:
    """Return how many of each kind to sample; what is left after rounding down goes to the largest remainders."""
    exact = counts / counts.sum() * n_wanted
    shares = np.floor(exact)
    remainders = exact - shares
    n_left = int(n_wanted - shares.sum())
    for remainder in np.unique(remainders)[::-1]:
        if n_left <= 0:
            break
        alike = np.flatnonzero(remainders == remainder)
        chosen = random.choice(alike, size=min(len(alike), n_left), replace=False)
        shares[chosen] += 1
        n_left -= len(chosen)
    whole: Clips = shares.astype(np.int64)
    return whole


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
                f"{count} folds need {count} clips of each class; the scarcest has {scarcest}",
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


def _unevenness(kinds: Clips, taken: Clips | Taken, fraction: float) -> float:
    """Return how far the share set aside of any value is from ``fraction`` at worst, summed over the kinds."""
    worst = 0.0
    for column in kinds.T:
        n_all = np.bincount(column)
        shares = np.bincount(column[taken], minlength=len(n_all))[n_all > 0] / n_all[n_all > 0]
        worst += float(np.abs(shares - fraction).max())
    return worst
