"""Which clips are trained on and which are tested: a list of clip indices per part, chosen by a named scheme.

What is random is sampled by scikit-learn. It takes a second to import, so only where something is sampled: a run that
goes on reads its split.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Split as SplitSettings
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import column
from audiomnist.errors import ConfigError, DataError

Clips = NDArray[np.int64]
Division = tuple[Clips, Clips]  # those that are kept and those set aside
Part = Literal["train", "validation", "test"]
Parts = tuple[Clips, Clips, Clips]  # train, validation, test

# Schemes that test only speakers who are not trained on.
_BY_SPEAKER = ("speaker", "becker", "speech-commands-official")
_BECKER_TARGETS = {"becker": "digit", "becker-gender": "gender"}
_FSDD_TEST_REPETITIONS = 5
_PARTS = {"train": 0, "validation": 1, "val": 1, "valid": 1, "dev": 1, "test": 2}
_CANDIDATES = 32


@dataclass(frozen=True)
class Split:
    """Indices into a corpus, each clip in at most one part; ``held_out`` names the speakers that are only tested."""

    train: Clips
    validation: Clips
    test: Clips
    held_out: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[Part, Clips]:
        """The clips of each part, by its name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @classmethod
    def of(cls, corpus: Corpus, train: Clips, validation: Clips, test: Clips) -> Split:
        """Return a split, with the speakers that are only tested; clips of joined corpora are trained on."""
        train = np.concatenate([train, np.flatnonzero(corpus.sources)])
        trained = set(corpus.speakers[np.concatenate([train, validation])].tolist())
        held_out = sorted(set(corpus.speakers[test].tolist()) - trained)
        return cls(train, validation, test, tuple(held_out))


def promises_new_voices(scheme: str) -> bool:
    """Return whether a scheme keeps the tested speakers out of training."""
    return scheme.startswith(_BY_SPEAKER)


def split(corpus: Corpus, settings: SplitSettings, seed: int, labels: Clips | None = None) -> Split:
    """Divide a corpus into training, validation and test clips; those of corpora that were joined to it are trained on.

    Schemes: ``random`` samples clips, as many of each label, so all parts have the same speakers; ``speaker`` samples
    whole speakers; ``becker-0`` to ``-4`` and ``becker-gender-0`` to ``-3`` are the AudioMNIST paper's, by speaker;
    ``fsdd-official`` tests the clips numbered 0 to 4; ``speech-commands-official`` follows that corpus' lists;
    ``manifest`` follows the corpus' own ``split`` column;
    ``column:NAME=VALUE`` tests the clips with that value and trains on those with another.

    Parameters
    ----------
    labels : int64 array [n_clips], optional
        What is recognised, to be shared out evenly; the digits by default.

    Raises
    ------
    ConfigError
        If the corpus cannot give the scheme.
    DataError
        If it is too small to be divided so.
    """
    whole, corpus = corpus, corpus.own
    labels = corpus.digits if labels is None else labels[: len(corpus)]
    scheme = settings.scheme
    if scheme in _BECKER_TARGETS or (scheme.startswith("column:") and "=" not in scheme):
        example = f"{scheme}=VALUE" if ":" in scheme else f"{scheme}-0"
        raise ConfigError(
            f"the scheme {scheme!r} stands for several splits", f"choose one, such as {example}, or use kfold"
        )
    validation = np.arange(0)
    if scheme.startswith("becker"):
        name, _, number = scheme.rpartition("-")
        return Split.of(whole, *_becker(corpus, _BECKER_TARGETS[name])[int(number)])
    if scheme in {"manifest", "speech-commands-official"}:
        rest, validation, test = _by_split_column(corpus, scheme)
    elif scheme == "fsdd-official":
        rest, test = _fsdd_official(corpus)
    elif scheme.startswith("column:"):
        name, _, value = scheme.removeprefix("column:").partition("=")
        rest, test = _by_value(corpus, name, value)
    else:
        everything = np.arange(len(corpus))
        rest, test = _set_aside("test", corpus, everything, settings, seed, labels, by_speaker=scheme == "speaker")
    if not len(validation):
        apart = not np.isin(corpus.speakers[test], corpus.speakers[rest]).any()
        rest, validation = _set_aside("validation", corpus, rest, settings, seed + 1, labels, by_speaker=apart)
    return Split.of(whole, rest, validation, test)


def folds(corpus: Corpus, settings: SplitSettings, seed: int, labels: Clips | None = None) -> list[Split]:
    """Return splits that together test every clip, or every clip of the scheme, once.

    Schemes: ``random`` and ``speaker`` make ``settings.folds`` of them; ``becker`` and ``becker-gender`` are the
    AudioMNIST paper's five and four; ``column:NAME`` tests each value of a column in turn.

    Raises
    ------
    ConfigError
        If the corpus cannot give the scheme.
    DataError
        If it is too small to be divided so.
    """
    whole, corpus = corpus, corpus.own
    labels = corpus.digits if labels is None else labels[: len(corpus)]
    scheme = settings.scheme
    by_speaker = scheme == "speaker"
    if scheme in _BECKER_TARGETS:
        return [Split.of(whole, *parts) for parts in _becker(corpus, _BECKER_TARGETS[scheme])]
    if scheme.startswith("column:") and "=" not in scheme:
        name = scheme.removeprefix("column:")
        values = sorted({value for value in column(corpus, name) if value is not None})
        divisions = [_by_value(corpus, name, value) for value in values]
    elif scheme in {"random", "speaker"}:
        divisions = _folds(corpus, settings.folds, seed, labels, by_speaker=by_speaker)
    else:
        raise ConfigError(
            f"the scheme {scheme!r} has one test part and makes no folds",
            "use random, speaker, becker, becker-gender or column:NAME, or 'audiomnist train'",
        )
    splits = []
    for number, (rest, test) in enumerate(divisions):
        parts = _set_aside("validation", corpus, rest, settings, seed + number + 1, labels, by_speaker=by_speaker)
        splits.append(Split.of(whole, *parts, test))
    return splits


def _set_aside(
    part: Literal["test", "validation"],
    corpus: Corpus,
    clips: Clips,
    settings: SplitSettings,
    seed: int,
    labels: Clips,
    *,
    by_speaker: bool,
) -> Division:
    """Divide clips at random; raise DataError if there are too few clips or speakers.

    Clip by clip, each label gives its share. By speaker, the most even of several samples is taken: the one in which
    the part set aside comes nearest to its share of every label, and of every gender where that is known.
    """
    fraction = settings.test_fraction if part == "test" else settings.validation_fraction
    if not fraction:
        return clips, clips[:0]
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    try:
        if by_speaker:
            candidates = GroupShuffleSplit(_CANDIDATES, test_size=fraction, random_state=seed)
            kinds = _kinds(corpus, labels)[clips]
            divisions = candidates.split(clips, groups=corpus.speakers[clips])
            rows = min(divisions, key=lambda division: _unevenness(kinds, division[1], fraction))
            kept, taken = (clips[of_part] for of_part in rows)
        else:
            kept, taken = train_test_split(clips, test_size=fraction, random_state=seed, stratify=labels[clips])
    except ValueError as error:
        what = "speakers" if by_speaker else "clips of each class"
        raise DataError(
            f"cannot set aside {100 * fraction:.0f} % of {len(clips)} clips: too few {what}",
            f"change it with --set split.{part}_fraction=..., or use a larger corpus"
            + (" or --split random" if by_speaker else ""),
        ) from error
    return np.sort(kept), np.sort(taken)


def _folds(corpus: Corpus, count: int, seed: int, labels: Clips, *, by_speaker: bool) -> list[Division]:
    """Return ``count`` divisions that set every clip aside once; raise DataError if speakers or clips are too few."""
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
            f"{count} folds by speaker need {count} speakers; this corpus has {n_speakers}",
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

    def worst(kind: Clips) -> float:
        n_all = np.bincount(kind)
        shares = np.bincount(kind[taken], minlength=len(n_all))[n_all > 0] / n_all[n_all > 0]
        return float(np.abs(shares - fraction).max())

    return sum(map(worst, kinds.T))


def _becker(corpus: Corpus, target: str) -> list[Parts]:
    """Return the splits by speaker of the AudioMNIST paper (Becker et al., 2018) for ``digit`` or ``gender``.

    The lists are those of the paper's own code, github.com/soerenab/AudioMNIST, ``preprocess_data.py``.
    """
    text = files("audiomnist.corpus").joinpath("becker_splits.json").read_text(encoding="utf-8")
    lists = json.loads(text)[target]
    splits = [
        [[f"{speaker:02d}" for speaker in speakers] for speakers in parts]
        for parts in zip(lists["train"], lists["validate"], lists["test"], strict=True)
    ]
    needed = {speaker for parts in splits for part in parts for speaker in part}
    if missing := sorted(needed.difference(corpus.speakers.tolist())):
        raise ConfigError(
            f"the splits of the AudioMNIST paper need its speakers; {corpus.root} lacks {len(missing)} of them: "
            + ", ".join(missing[:6])
            + (", ..." if len(missing) > 6 else ""),
            "for this corpus use the scheme 'speaker'",
        )

    def clips_of(speakers: list[str]) -> Clips:
        return np.flatnonzero(np.isin(corpus.speakers, speakers))

    return [(clips_of(train), clips_of(validation), clips_of(test)) for train, validation, test in splits]


def _fsdd_official(corpus: Corpus) -> Division:
    is_tested = corpus.repetitions < _FSDD_TEST_REPETITIONS
    if corpus.layout != "fsdd" or is_tested.all() or not is_tested.any():
        raise ConfigError(
            f"{corpus.root} has no official test set: that is for FSDD, clips named <digit>_<speaker>_<0 to 4>.wav",
            "use the scheme 'random' or 'speaker'",
        )
    return np.flatnonzero(~is_tested), np.flatnonzero(is_tested)


def _by_split_column(corpus: Corpus, scheme: str) -> Parts:
    """Return the parts that a manifest names in its ``split`` column, or that the lists of Speech Commands name."""
    has_lists = corpus.layout == "speech-commands" and "split" in corpus.columns
    if scheme == "speech-commands-official" and not has_lists:
        raise ConfigError(
            f"{corpus.root} has no validation_list.txt and testing_list.txt beside Speech Commands folders",
            "get all of it with 'audiomnist download speech-commands', or use the scheme 'speaker'",
        )
    parts = [None if value is None else value.strip().lower() for value in column(corpus, "split")]
    if unknown := sorted(set(parts) - {None, *_PARTS}, key=str):
        raise DataError(
            f"{corpus.root}: the split column says {unknown[0]!r}", "write train, validation or test in every line"
        )
    numbers = np.array([-1 if part is None else _PARTS[part] for part in parts])
    train, validation, test = (np.flatnonzero(numbers == number) for number in range(3))
    if not len(train) or not len(test):
        raise DataError(f"{corpus.root}: the split column names no train or no test clips", "name some of both")
    return train, validation, test


def _by_value(corpus: Corpus, name: str, value: str) -> Division:
    """Return the clips with another value in a column, and those with this one; unknown ones are in neither."""
    values = column(corpus, name)
    test = np.flatnonzero([other == value for other in values])
    rest = np.flatnonzero([other is not None and other != value for other in values])
    if not len(test) or not len(rest):
        known = sorted({other for other in values if other is not None})
        raise ConfigError(
            f"{name}={value} divides {corpus.root} into {len(rest)} clips to train and {len(test)} to test",
            f"{name} is one of: {', '.join(known[:12])}" + (", ..." if len(known) > 12 else ""),
        )
    return rest, test
