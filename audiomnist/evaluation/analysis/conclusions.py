"""What follows for training from what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Features, load, versions
from audiomnist.corpus.measures import cut_share, window_ms
from audiomnist.corpus.scan import CLASSES
from audiomnist.evaluation.analysis.clips import Measurements

WHOLE_SHARE = 0.99
FOLDS = 5
_MOST_CLIPS_CUT = 0.01
_MOST_IMBALANCE = 1.1
_NOTABLE_GAIN = 1.5


class Cut(NamedTuple):
    """What a window cuts: its length, and how many of the clips are longer, also as a share."""

    clip_ms: int
    clips: int
    share: float


@dataclass(frozen=True)
class Conclusion:
    """A sentence for people and its numbers for programs.

    Attributes
    ----------
    topic : str
        Key in JSON.
    heading, text : str
    matters : bool
        Whether something should be done or kept in mind.
    values : dict
    """

    topic: str
    heading: str
    text: str
    matters: bool
    values: dict[str, Any]


def conclude(measured: Measurements, features: Features, empty_bands: dict[int, int]) -> tuple[Conclusion, ...]:
    """Say which clip length to choose, what length alone gives away, and whether classes and bands are filled."""
    return (
        _clip_length(measured),
        _cuts(measured),
        _length_only(measured),
        _balance(measured),
        _empty_bands(measured, features, empty_bands),
    )


def whole_ms(measured: Measurements) -> int:
    """Return the window that leaves 99 % of the clips whole, milliseconds."""
    return window_ms(measured.lengths_ms, WHOLE_SHARE)


def cuts(measured: Measurements) -> dict[str, Cut]:
    """Return what the window of each shipped version cuts; one that is chosen by the corpus itself is left out."""
    found = {}
    for name, path in versions().items():
        clip_ms = load(path).window.clip_ms
        if isinstance(clip_ms, int):
            share = cut_share(measured.n_samples, measured.sample_rates, clip_ms)
            found[name] = Cut(clip_ms, round(share * len(measured.corpus)), share)
    return found


def _clip_length(measured: Measurements) -> Conclusion:
    clip_ms = whole_ms(measured)
    text = f"{clip_ms} ms keep {WHOLE_SHARE:.0%} of the clips whole: `--set window.clip_ms={clip_ms}`"
    return Conclusion("clip_length", "Clip length", text, False, {"clip_ms": clip_ms, "whole_share": WHOLE_SHARE})


def _cuts(measured: Measurements) -> Conclusion:
    found = cuts(measured)
    parts = [f"{name} ({cut.clip_ms} ms) {cut.clips:,} ({cut.share:.1%})" for name, cut in found.items()]
    too_many = [name for name, cut in found.items() if cut.share > _MOST_CLIPS_CUT]
    text = f"the window of a version cuts longer clips: {', '.join(parts)}"
    if too_many:
        text += f". More than {_MOST_CLIPS_CUT:.0%} under {', '.join(too_many)}: a longer window.clip_ms keeps them"
    return Conclusion("cuts", "Clips cut", text, bool(too_many), {name: cut._asdict() for name, cut in found.items()})


def _length_only(measured: Measurements) -> Conclusion:
    known, unseen, chance = length_only_accuracy(measured)
    best = max(accuracy for accuracy in (known, unseen, 0.0) if accuracy is not None)
    told = [
        f"{accuracy:.3f} on {voices} speakers"
        for accuracy, voices in ((known, "known"), (unseen, "unseen"))
        if accuracy is not None
    ]
    matters = best > _NOTABLE_GAIN * chance
    if not told:
        text = "too few clips to say whether a clip's length gives its digit away"
    elif matters:
        text = f"a clip's length alone gives the digit away: accuracy {' and '.join(told)}, chance is {chance:.3f}"
    else:
        text = f"a clip's length alone says little of its digit: accuracy {' and '.join(told)}, chance is {chance:.3f}"
    return Conclusion(
        "length_only", "Length alone", text, matters, {"known_voices": known, "unseen_voices": unseen, "chance": chance}
    )


def length_only_accuracy(measured: Measurements) -> tuple[float | None, float | None, float]:
    """Cross-validate a decision tree that sees nothing but a clip's length.

    Returns
    -------
    known_voices, unseen_voices : float or None
        Accuracy over five random folds, and with no speaker on both sides; None with too few clips or voices.
    chance : float
        Share of the commonest digit.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    corpus, lengths_ms = measured.corpus, measured.lengths_ms
    counts = np.bincount(corpus.digits, minlength=len(CLASSES))
    known = unseen = None
    if counts[counts > 0].min() >= FOLDS:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(lengths_ms, corpus.digits)
        known = _tree_accuracy(lengths_ms, corpus.digits, list(folds))
    n_speakers = len(set(corpus.speakers.tolist()))
    if n_speakers > 1:
        folds = GroupKFold(min(FOLDS, n_speakers)).split(lengths_ms, corpus.digits, corpus.speakers)
        unseen = _tree_accuracy(lengths_ms, corpus.digits, list(folds))
    return known, unseen, float(counts.max() / len(corpus))


def _tree_accuracy(
    lengths_ms: NDArray[np.float64],
    digits: NDArray[np.int64],
    folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> float:
    from sklearn.tree import DecisionTreeClassifier

    right = 0
    for train, test in folds:
        tree = DecisionTreeClassifier(max_leaf_nodes=32, min_samples_leaf=max(1, len(train) // 200), random_state=0)
        tree.fit(lengths_ms[train, None], digits[train])
        right += int((tree.predict(lengths_ms[test, None]) == digits[test]).sum())
    return right / sum(len(test) for _, test in folds)


def _balance(measured: Measurements) -> Conclusion:
    corpus = measured.corpus
    digits = np.bincount(corpus.digits, minlength=len(CLASSES))
    _, speakers = np.unique(corpus.speakers, return_counts=True)
    numbers: dict[str, Any] = {
        name: {"least": int(counts.min()), "most": int(counts.max())}
        for name, counts in (("digit", digits), ("speaker", speakers))
    }
    uneven = [
        f"from {counts['least']:,} to {counts['most']:,} clips per {name}"
        for name, counts in numbers.items()
        if counts["most"] > _MOST_IMBALANCE * counts["least"]
    ]
    text = "; ".join(uneven) if uneven else "as many clips of each digit, and of each speaker"
    gender = corpus.columns.get("gender")
    if gender is not None:
        shares = {name: float(np.mean(gender == name)) for name in sorted({str(name) for name in gender if name})}
        numbers["gender"] = shares
        text += "; " + ", ".join(f"{share:.0%} {name}" for name, share in shares.items())
    return Conclusion("balance", "Balance", text, bool(uneven), numbers)


def _empty_bands(measured: Measurements, features: Features, empty_bands: dict[int, int]) -> Conclusion:
    parts = [
        f"recordings at {rate:,} Hz leave the upper {count} of {features.n_mels} mel bands empty"
        for rate, count in empty_bands.items()
        if count
    ]
    usual_hz = int(np.bincount(measured.sample_rates).argmax())
    at = f"at the versions' {features.sample_rate:,} Hz"
    text = f"{at}, {'; '.join(parts)}" if parts else f"{at}, every mel band is filled"
    if parts:
        text += f". For this corpus alone: `--set features.sample_rate={usual_hz}`"
    numbers = {"n_mels": features.n_mels, "sample_rate": features.sample_rate, "empty": empty_bands}
    return Conclusion("empty_bands", "Empty mel bands", text, bool(parts), numbers)
