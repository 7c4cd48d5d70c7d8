"""Random parts of a corpus, sampled clip by clip or speaker by speaker.

Folds come from scikit-learn. A single split is sampled here, and holds the clips that scikit-learn would choose:
importing it takes a second, which is a tenth of a short training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError

Clips = NDArray[np.int64]
Division = tuple[Clips, Clips]
Taken = NDArray[np.bool_]

_CANDIDATES = 32


def sample_part(
    corpus: Corpus,
    clips: Clips,
    fraction: float,
    *,
    labels: Clips,
    by_speaker: bool,
    seed: int,
    setting: str,
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
    try:
        if by_speaker:
            kinds = _kinds(corpus, labels)[clips]
            candidates = _samples_by_group(corpus.speakers[clips], fraction, random)
            taken = min(candidates, key=lambda taken: _unevenness(kinds, taken, fraction))
        else:
            taken = _sample_by_label(labels[clips], fraction, random)
    except ValueError as error:
        unit = "speakers" if by_speaker else "clips of each class"
        raise DataError(
            f"cannot set aside {fraction:.0%} of {len(clips)} clips: too few {unit} ({error})",
            f"change it with --set {setting}=..., or use a larger corpus"
            + (" or --split random" if by_speaker else ""),
        ) from error
    return np.sort(clips[~taken]), np.sort(clips[taken])


def _sample_by_label(labels: Clips, fraction: float, random: np.random.RandomState) -> Taken:
    """Sample the same share of every label: ``StratifiedShuffleSplit(1, test_size=fraction)`` of scikit-learn."""
    of_clips, counts = np.unique(labels, return_inverse=True, return_counts=True)[1:]
    n_taken = _n_taken(len(labels), fraction)
    if counts.min() < 2 or min(n_taken, len(labels) - n_taken) < len(counts):
        raise ValueError(f"{len(counts)} classes, {counts.min()} clips in the scarcest")
    n_kept = _shared_out(counts, len(labels) - n_taken, random)
    _shared_out(counts - n_kept, n_taken, random)  # the rest, but it may use up a random number, as in scikit-learn
    taken = np.zeros(len(labels), np.bool_)
    by_label = np.split(np.argsort(of_clips, kind="stable"), np.cumsum(counts)[:-1])
    for clips, count in zip(by_label, n_kept.tolist(), strict=True):
        taken[clips[random.permutation(len(clips))[count:]]] = True
    return taken


def _samples_by_group(groups: NDArray[np.str_], fraction: float, random: np.random.RandomState) -> Iterator[Taken]:
    """Sample a share of the groups, again and again: ``GroupShuffleSplit(test_size=fraction)`` of scikit-learn."""
    names, of_clips = np.unique(groups, return_inverse=True)
    n_taken = _n_taken(len(names), fraction)
    for _ in range(_CANDIDATES):
        yield np.isin(of_clips, random.permutation(len(names))[:n_taken])


def _n_taken(count: int, fraction: float) -> int:
    n_taken = math.ceil(fraction * count)
    if not 0 < n_taken < count:
        raise ValueError(f"{count} in all")
    return n_taken


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
    seeds = range(_CANDIDATES * seed % 2**32, _CANDIDATES * seed % 2**32 + _CANDIDATES)
    candidates = [
        list(GroupKFold(count, shuffle=True, random_state=candidate).split(everything, groups=corpus.speakers))
        for candidate in seeds
    ]
    kinds = _kinds(corpus, labels)
    return min(candidates, key=lambda folds: sum(_unevenness(kinds, taken, 1 / count) for _, taken in folds))


def _kinds(corpus: Corpus, labels: Clips) -> Clips:
    """Return what a division by speaker should be even in, as small integers: int64 array [n_clips, n_kinds]."""
    genders = corpus.columns.get("gender", np.full(len(corpus), None))
    return np.column_stack([labels, np.unique(genders.astype(str), return_inverse=True)[1]])


def _unevenness(kinds: Clips, taken: Clips | Taken, fraction: float) -> float:
    """Return by how much the shares set aside of each kind's values differ from ``fraction``, at worst."""
    worst = 0.0
    for column in kinds.T:
        n_all = np.bincount(column)
        shares = np.bincount(column[taken], minlength=len(n_all))[n_all > 0] / n_all[n_all > 0]
        worst += float(np.abs(shares - fraction).max())
    return worst
