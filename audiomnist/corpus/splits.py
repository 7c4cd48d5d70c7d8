"""Who is trained on and who is tested: a list of clip indices per part, chosen by a named scheme."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Split as SplitSettings
from audiomnist.corpus.published import becker, fsdd_test, n_becker, speech_commands_parts
from audiomnist.corpus.sampling import sample_folds, sample_part
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import column
from audiomnist.errors import ConfigError, DataError

Clips = NDArray[np.int64]

# Schemes that test only speakers who are not trained on.
_BY_SPEAKER = ("speaker", "becker", "speech-commands-official")
_FOR_FOLDS = frozenset({"becker", "becker-gender"})
_PARTS = {"train": 0, "validation": 1, "val": 1, "valid": 1, "dev": 1, "test": 2}


@dataclass(frozen=True)
class Split:
    """Indices into a corpus, each clip in at most one part; ``held_out`` names the speakers that are only tested."""

    train: Clips
    validation: Clips
    test: Clips
    held_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, corpus: Corpus, train: Clips, validation: Clips, test: Clips) -> Split:
        """Return a split, with the speakers that are only tested."""
        trained = set(corpus.speakers[np.concatenate([train, validation])].tolist())
        held_out = sorted(set(corpus.speakers[test].tolist()) - trained)
        return cls(train, validation, test, tuple(held_out))

    def with_extra(self, first: int, end: int) -> Split:
        """Return the split with further clips to train on: those from index ``first`` to before ``end``."""
        return replace(self, train=np.concatenate([self.train, np.arange(first, end)]))


def promises_new_voices(scheme: str) -> bool:
    """Return whether a scheme keeps the tested speakers out of training."""
    return scheme.startswith(_BY_SPEAKER)


def split(corpus: Corpus, settings: SplitSettings, seed: int, labels: Clips | None = None) -> Split:
    """Divide a corpus into training, validation and test clips.

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
    labels = corpus.digits if labels is None else labels
    scheme = settings.scheme
    if scheme in _FOR_FOLDS or (scheme.startswith("column:") and "=" not in scheme):
        example = f"{scheme}=VALUE" if ":" in scheme else f"{scheme}-0"
        raise ConfigError(f"the scheme {scheme!r} names several splits", f"choose one, such as {example}, or use kfold")
    by_speaker = promises_new_voices(scheme)
    everything = np.arange(len(corpus))
    rest, validation = everything, everything[:0]
    if scheme.startswith("becker"):
        *words, number = scheme.split("-")
        return Split.of(corpus, *becker(corpus, "gender" if "gender" in words else "digit", int(number)))
    if scheme == "manifest":
        rest, validation, test = _listed(corpus)
    elif scheme == "speech-commands-official":
        rest, validation, test = speech_commands_parts(corpus)
    elif scheme == "fsdd-official":
        test = fsdd_test(corpus)
        rest = np.setdiff1d(everything, test)
    elif scheme.startswith("column:"):
        name, _, value = scheme.removeprefix("column:").partition("=")
        rest, test = _by_value(corpus, name, value)
    else:
        rest, test = sample_part(
            corpus,
            everything,
            settings.test_fraction,
            labels=labels,
            by_speaker=by_speaker,
            seed=seed,
            setting="split.test_fraction",
        )
    if settings.validation_fraction and not len(validation):
        apart = by_speaker or not np.isin(corpus.speakers[test], corpus.speakers[rest]).any()
        rest, validation = _with_validation(corpus, rest, settings, seed, labels, by_speaker=apart)
    return Split.of(corpus, rest, validation, test)


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
    labels = corpus.digits if labels is None else labels
    scheme = settings.scheme
    if scheme in _FOR_FOLDS:
        target = "gender" if scheme.endswith("gender") else "digit"
        return [Split.of(corpus, *becker(corpus, target, number)) for number in range(n_becker(target))]
    if scheme.startswith("column:") and "=" not in scheme:
        name = scheme.removeprefix("column:")
        values = sorted({value for value in column(corpus, name) if value is not None})
        divisions = [_by_value(corpus, name, value) for value in values]
    elif scheme in {"random", "speaker"}:
        by_speaker = scheme == "speaker"
        divisions = sample_folds(corpus, settings.folds, labels=labels, by_speaker=by_speaker, seed=seed)
    else:
        raise ConfigError(
            f"the scheme {scheme!r} has one test part and makes no folds",
            "use random, speaker, becker, becker-gender or column:NAME, or 'audiomnist train'",
        )
    splits = []
    for number, (rest, test) in enumerate(divisions):
        train, validation = rest, rest[:0]
        if settings.validation_fraction:
            apart = promises_new_voices(scheme)
            train, validation = _with_validation(corpus, rest, settings, seed + number, labels, by_speaker=apart)
        splits.append(Split.of(corpus, train, validation, test))
    return splits


def _with_validation(
    corpus: Corpus, clips: Clips, settings: SplitSettings, seed: int, labels: Clips, *, by_speaker: bool
) -> tuple[Clips, Clips]:
    return sample_part(
        corpus,
        clips,
        settings.validation_fraction,
        labels=labels,
        by_speaker=by_speaker,
        seed=seed + 1,
        setting="split.validation_fraction",
    )


def _listed(corpus: Corpus) -> tuple[Clips, Clips, Clips]:
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


def _by_value(corpus: Corpus, name: str, value: str) -> tuple[Clips, Clips]:
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
