"""What follows for training from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from audiomnist.config import Features, load, versions
from audiomnist.corpus.measures import cut_share
from audiomnist.corpus.scan import CLASSES
from audiomnist.evaluation.analysis.clips import Measurements

WHOLE_SHARE = 0.99
FOLDS = 5
_MOST_CLIPS_CUT = 0.01
_MOST_IMBALANCE = 1.1
_NOTABLE_GAIN = 1.5

Values = dict[str, JsonValue]


class Cut(NamedTuple):
    """What a window cuts: its length, and how many of the clips are longer, also as a share."""

    clip_ms: int
    clips: int
    share: float


class Conclusion(NamedTuple):
    """A sentence for people and its numbers for programs.

    Attributes
    ----------
    topic : str
        Key in JSON.
    heading, text : str
    matters : bool
        Whether something should be done or kept in mind.
    values : dict of str to JSON value
    """

    topic: str
    heading: str
    text: str
    matters: bool
    values: Values


def conclude(
    measured: Measurements, features: Features, whole_ms: int, cuts: Mapping[str, Cut], empty_bands: Mapping[int, int]
) -> tuple[Conclusion, ...]:
    """Say which clip length to choose, what length alone gives away, and whether classes and bands are filled.

    Parameters
    ----------
    whole_ms : int
        The window that leaves ``WHOLE_SHARE`` of the clips whole.
    cuts : mapping of str to Cut
        What the window of each version cuts.
    empty_bands : mapping of int to int
        By sample rate in Hz: mel bands that hold nothing of such a recording.
    """
    return (
        _clip_length(whole_ms),
        _cuts(cuts),
        _length_only(measured),
        _balance(measured),
        _empty_bands(measured, features, empty_bands),
    )


def count_cut(measured: Measurements) -> dict[str, Cut]:
    """Return what the window of each shipped version cuts; one that is chosen by the corpus itself is left out."""
    found = {}
    for name, path in versions().items():
        clip_ms = load(path).window.clip_ms
        if isinstance(clip_ms, int):
            share = cut_share(measured.n_samples, measured.sample_rates, clip_ms)
            found[name] = Cut(clip_ms, round(share * len(measured.corpus)), share)
    return found


def _clip_length(clip_ms: int) -> Conclusion:
    share = f"{100 * WHOLE_SHARE:.0f} %"
    text = f"a window of {clip_ms} ms holds {share} of the clips in full: `--set window.clip_ms={clip_ms}`"
    return Conclusion("clip_length", "Clip length", text, False, {"clip_ms": clip_ms, "whole_share": WHOLE_SHARE})


def _cuts(found: Mapping[str, Cut]) -> Conclusion:
    parts = [f"{name} ({cut.clip_ms} ms) {cut.clips:,} ({100 * cut.share:.1f} %)" for name, cut in found.items()]
    too_many = [name for name, cut in found.items() if cut.share > _MOST_CLIPS_CUT]
    text = f"clips that the window of each version would cut: {', '.join(parts)}"
    if too_many:
        text += f". More than {100 * _MOST_CLIPS_CUT:.0f} % under {', '.join(too_many)}: choose a longer window.clip_ms"
    return Conclusion("cuts", "Clips cut", text, bool(too_many), {name: cut._asdict() for name, cut in found.items()})


def _length_only(measured: Measurements) -> Conclusion:
    known, unseen, chance = length_only_accuracy(measured)
    found = {voices: of for voices, of in (("known", known), ("unseen", unseen)) if of is not None}
    matters = max(found.values(), default=0.0) > _NOTABLE_GAIN * chance
    says = "predicts the digit" if matters else "hardly predicts the digit"
    accuracies = " and ".join(f"{accuracy:.3f} on {voices} speakers" for voices, accuracy in found.items())
    text = f"a clip's length alone {says}: accuracy {accuracies}, chance is {chance:.3f}"
    if not found:
        text = "too few clips to say whether a clip's length predicts its digit"
    values: Values = {"known_voices": known, "unseen_voices": unseen, "chance": chance}
    return Conclusion("length_only", "Length alone", text, matters, values)


def length_only_accuracy(measured: Measurements) -> tuple[float | None, float | None, float]:
    """Cross-validate a decision tree that sees nothing but a clip's length.

    Returns
    -------
    known_voices, unseen_voices : float or None
        Accuracy over five random folds, and with no speaker on both sides; None with too few clips or speakers.
    chance : float
        Share of the commonest digit.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    digits, speakers = measured.corpus.digits, measured.corpus.speakers
    _, counts = np.unique(digits, return_counts=True)
    tree = DecisionTreeClassifier(max_leaf_nodes=32, min_samples_leaf=1 / 200, random_state=0)

    def accuracy(folds: Any, groups: NDArray[np.str_] | None = None) -> float:
        predicted = cross_val_predict(tree, measured.lengths_ms[:, None], digits, groups=groups, cv=folds)
        return float((predicted == digits).mean())

    known = unseen = None
    if counts.min() >= FOLDS:
        known = accuracy(StratifiedKFold(FOLDS, shuffle=True, random_state=0))
    n_speakers = len(np.unique(speakers))
    if n_speakers > 1:
        unseen = accuracy(GroupKFold(min(FOLDS, n_speakers)), speakers)
    return known, unseen, float(counts.max() / len(digits))


def _balance(measured: Measurements) -> Conclusion:
    corpus = measured.corpus
    _, of_speakers = np.unique(corpus.speakers, return_counts=True)
    values: Values = {}
    uneven = []
    for name, counts in (("digit", np.bincount(corpus.digits, minlength=len(CLASSES))), ("speaker", of_speakers)):
        least, most = int(counts.min()), int(counts.max())
        values[name] = {"least": least, "most": most}
        if most > _MOST_IMBALANCE * least:
            uneven.append(f"from {least:,} to {most:,} clips per {name}")
    text = "; ".join(uneven) if uneven else "equally many clips of each digit and of each speaker"
    if (gender := corpus.columns.get("gender")) is not None:
        shares = {name: float(np.mean(gender == name)) for name in sorted({str(name) for name in gender if name})}
        values["gender"] = {**shares}
        text += "; " + ", ".join(f"{100 * share:.0f} % {name}" for name, share in shares.items())
    return Conclusion("balance", "Balance", text, bool(uneven), values)


def _empty_bands(measured: Measurements, features: Features, empty_bands: Mapping[int, int]) -> Conclusion:
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
    empty: Values = {str(rate): count for rate, count in empty_bands.items()}
    values: Values = {"n_mels": features.n_mels, "sample_rate": features.sample_rate, "empty": empty}
    return Conclusion("empty_bands", "Empty mel bands", text, bool(parts), values)
