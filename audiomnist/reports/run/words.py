"""Sentences that the page and the model card share, so that both say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiomnist.reports.run.facts import Facts

FEW_SPEAKERS = 10


def title(facts: Facts) -> str:
    """Return what was trained on what."""
    kind = "Cross validation of " if facts.folds else ""
    return f"{kind}{facts.config.version} on {place(facts.config.data)}"


def place(data: str) -> str:
    """Return the name of a corpus: its folder's or file's."""
    return data.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or data


def task(facts: Facts) -> str:
    """Return what the network tells apart."""
    classes = facts.predictions.classes
    names = ", ".join(classes) if len(classes) <= FEW_SPEAKERS else f"{len(classes)} of them"
    return f"the {facts.config.target} in a recording of one spoken word ({names})"


def interval(of: Mapping[str, Any]) -> str:
    """Return the ends of an interval."""
    return f"{of['low']:.1%} to {of['high']:.1%}"


def trust(of: Mapping[str, Any]) -> str:
    """Return an accuracy's interval, what it is over, and how many speakers stand behind it."""
    n_speakers = of["n_speakers"]
    if of["over"] == "speakers":
        few = " So few voices say little of others." if n_speakers < FEW_SPEAKERS else ""
        return f"95 % interval over speakers: {interval(of)}. {_speakers(n_speakers)} behind it.{few}"
    return (
        f"95 % interval over further clips of the same voices: {interval(of)}. {_speakers(n_speakers)} behind it; "
        "how far speakers differ cannot be told from them."
    )


def voices(facts: Facts) -> str:
    """Return whether the tested voices were known or unseen."""
    tested, unseen = facts.speakers, facts.unseen_speakers
    if not unseen:
        return "Known voices: every tested speaker was also trained on, with other clips."
    if unseen == tested:
        return "Unseen voices: every clip was judged by a network that had never heard its speaker."
    return f"Known and unseen voices: {len(unseen):,} of {len(tested):,} tested speakers were not trained on."


def worst(facts: Facts) -> str:
    """Return who is understood worst."""
    of = facts.metrics["worst_speaker"]
    return f"Worst speaker: {of['speaker']}, {of['accuracy']:.2%} of {of['n']:,} clips ({interval(of)})."


def temperature(facts: Facts) -> str:
    """Return what the probabilities were divided by, and why."""
    fitted = [of["calibration"] for of in facts.results if _is_fitted(of)]
    if not fitted:
        return "There were no validation clips, so the temperature was not fitted: probabilities are the network's own."
    if facts.folds:
        values = ", ".join(f"{of['temperature']:.2f}" for of in fitted)
        return f"Each fold's temperature was fitted on its own validation clips: {values}."
    [of] = fitted
    return (
        f"Temperature {of['temperature']:.2f}, fitted on {of['fitted_on']}; without it the expected calibration error "
        f"is {of['ece_uncalibrated']:.4f}."
    )


def watched(facts: Facts) -> str:
    """Return on which clips the curves were drawn, and that no choice looked at test clips."""
    on = facts.histories[0][-1]["watched"]
    looked = "only to be looked at: the schedule is fixed and the last weights are tested" if on == "test" else ""
    return f"Watched on {on} clips" + (f", {looked}." if looked else "; test clips were heard at the end only.")


def data(facts: Facts) -> str:
    """Return which corpus it was, by which scheme it was split, and whether it is still the same."""
    config = facts.config
    further = " and ".join(place(name) for name in config.extra_data)
    extra = f", trained on {further} as well" if further else ""
    text = f"{place(config.data)}, split {config.split.scheme}{extra}; fingerprint {facts.fingerprint}."
    if facts.corpus is None:
        return f"{text} The corpus is no longer there, so no clip can be shown."
    changed = " Files of the corpus have changed since, by size, time or label." if facts.corpus_changed else ""
    return text + changed


def mistakes(facts: Facts, sounds: Sequence[object]) -> str:
    """Return how many clips are misheard, and how many of these are shown."""
    n_wrong = int((~facts.predictions.correct).sum())
    if not n_wrong:
        return "No clip is misheard."
    shown = "all of them" if len(sounds) == n_wrong else f"the {len(sounds)} it was surest of"
    suspects = facts.metrics.get("suspects")
    wrong = f" {suspects['count']:,} labels look wrong: suspects.html." if suspects else ""
    n_missing = sum(sound is None for sound in sounds)
    silent = f" {n_missing} without sound, as the recordings are no longer there." if n_missing else ""
    return f"{n_wrong:,} clips are misheard; {shown}.{silent}{wrong}"


def robustness(facts: Facts) -> str:
    """Return how accuracy holds on distorted clips."""
    of = facts.robustness
    if of is None:
        return f"Not measured: {_no_robustness(facts)}."
    some = f" of {of.n_available:,}" if of.n_clips < of.n_available else ""
    least = min(of.families.values(), key=lambda curve: curve.area)
    return (
        f"Mean accuracy over all distortions and strengths {of.area:.1%}, undistorted {of.clean:.1%}, "
        f"on {of.n_clips:,}{some} test clips. Worst: {least.title}, {least.area:.1%}."
    )


def not_measured(facts: Facts) -> list[str]:
    """List what these figures leave open."""
    config, metrics = facts.config, facts.metrics
    open_points = []
    if not facts.unseen_speakers:
        open_points.append("New voices: only known voices were tested. `--split speaker` tests on unseen ones.")
    elif len(facts.unseen_speakers) < FEW_SPEAKERS:
        open_points.append(f"Most new voices: {len(facts.unseen_speakers):,} of them were tested.")
    if metrics["interval"]["over"] != "speakers":
        open_points.append("How far speakers differ: the interval is over clips, and says nothing of other voices.")
    if not any(map(_is_fitted, facts.results)):
        open_points.append("A temperature: no validation clips, so it was not fitted (`split.validation_fraction`).")
    missing = [name for name in ("gender", "age", "accent") if name not in metrics["groups"]]
    if missing:
        open_points.append(f"Differences by {', '.join(missing)}: not known of these clips, or too many values.")
    if not facts.evaluations:
        open_points.append("Other recordings, rooms and microphones: tested on clips of the same corpus only.")
    if facts.robustness is None:
        open_points.append(f"Robustness to noise, rooms and microphones: {_no_robustness(facts)}.")
    open_points.append(f"Chance in training: one seed ({config.seed}) was tried; another may come out differently.")
    open_points.append("Sounds that are no such word: the network always answers one of its classes.")
    return open_points


def _no_robustness(facts: Facts) -> str:
    if facts.folds:
        return "a cross validation has a network per fold; see the report of one, `audiomnist report RUN/fold-0`"
    if facts.corpus is None:
        return "the corpus is no longer there"
    return "clips or network could not be read"


def _is_fitted(result: Mapping[str, Any]) -> bool:
    return bool(result.get("calibration", {}).get("fitted_on"))


def _speakers(n: int) -> str:
    return f"{n:,} speaker{'s stand' if n > 1 else ' stands'}"
