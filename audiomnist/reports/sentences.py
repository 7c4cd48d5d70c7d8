"""What results mean, in sentences that the terminal, pages and model cards share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from audiomnist.errors import count, some
from audiomnist.reports.wording import accuracy, confidence, interval, number
from audiomnist.runs.comparison import Difference
from audiomnist.runs.results import CrossValidation, EpochRecord, Misclassified, Result, Tested
from audiomnist.runs.robustness import Robustness
from audiomnist.runs.scores import Calibration, Scores

if TYPE_CHECKING:
    from audiomnist.config import Config

FEW_SPEAKERS = 10
_NAMED = 2


class Number(NamedTuple):
    """A number with its name and what it means, with the direction that is better."""

    name: str
    value: str
    meaning: str


def place(data: str) -> str:
    """Return the name of a corpus: its folder's or file's."""
    return data.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or data


def title(result: Tested) -> str:
    """Return what was trained, or cross-validated, on what."""
    kind = "Cross validation of " if isinstance(result, CrossValidation) else ""
    return f"{kind}{result.version} on {place(result.data)}"


def headline(scores: Scores) -> str:
    """Return the accuracy with its interval."""
    return f"accuracy {accuracy(scores.accuracy)}, {interval(scores.interval)}"


def correct(scores: Scores) -> str:
    """Return how many clips are correct."""
    return f"{scores.n_correct:,} of {count(scores.n_test, 'test clip')} correct"


def folds(result: CrossValidation) -> str:
    """Return the mean over folds with its standard deviation."""
    mean, deviation = accuracy(result.accuracy_mean), number(result.accuracy_std)
    return f"mean over {count(len(result.folds), 'fold')} {mean} ± {deviation}"


def trust(scores: Scores) -> str:
    """Return how far the accuracy can be trusted."""
    of = scores.interval
    speakers = count(of.n_speakers, "speaker")
    if of.over == "clips":
        return (
            "The interval is over further clips of the same speaker; it says nothing about other speakers."
            if of.n_speakers == 1
            else f"All {speakers} have the same accuracy, so the interval is over further clips of these speakers only."
        )
    few = " Few speakers say little about others." if of.n_speakers < FEW_SPEAKERS else ""
    return f"The interval is over further speakers like these {of.n_speakers:,}.{few}"


def known_speakers(tested: Collection[str], unseen: Collection[str]) -> str:
    """Return whether the tested speakers were also trained on."""
    n_unseen, n_tested = len(set(unseen)), len(set(tested))
    if not n_unseen:
        return "Known speakers: every tested speaker was also trained on, with other clips."
    if n_unseen < n_tested:
        return f"Known and unseen speakers: {n_unseen:,} of {n_tested:,} tested speakers were not trained on."
    names = f" ({', '.join(sorted(set(unseen)))})" if n_unseen <= _NAMED else ""
    return f"Unseen speakers{names}: each tested with a network that was not trained on them."


def mistakes(scores: Scores) -> str:
    """Return which labels are misclassified most often."""
    names = list(scores.per_class)
    found = [
        (-n, names[row], names[column], sum(counts))
        for row, counts in enumerate(scores.confusion)
        for column, n in enumerate(counts)
        if n and row != column
    ]
    if not found:
        return "No clip is misclassified."
    parts = [f"{label} as {prediction} ({-n:,} of {of:,})" for n, label, prediction, of in sorted(found)[:3]]
    return f"Most frequent mistakes: {', '.join(parts)}."


def misses(result: Tested) -> str:
    """Return how many clips are taken for none of the classes, or nothing if the network knows no such answer."""
    if result.misses is None:
        return ""
    n_missed, share = round(result.misses * result.n_test), 100 * result.misses
    return (
        f'{n_missed:,} of these clips ({share:.1f} %) would be answered with "no digit"; the accuracy is that of the '
        "most probable class of every clip."
    )


def worst_speaker(scores: Scores) -> str:
    """Return the speaker of lowest accuracy."""
    of = scores.worst_speaker
    return f"Lowest accuracy of a speaker: {of.speaker}, {accuracy(of.accuracy)} of {count(of.n, 'clip')}."


def calibration(of: Calibration) -> str:
    """Return how far confidence and accuracy differ."""
    return (
        f"Expected calibration error {number(of.ece)}: confidence and accuracy differ by this much on average "
        "(lower is better, 0 is perfect)."
    )


def temperature(networks: Collection[Result]) -> str:
    """Return what the logits were divided by, and why."""
    fitted = [of.calibration for of in networks if of.calibration.fitted_on]
    if not fitted:
        return "No temperature was fitted, as there were no validation clips: the confidences are the network's own."
    values = ", ".join(number(of.temperature or 1, 2) for of in fitted)
    if len(networks) > 1:
        return f"The temperature of each fold was fitted on its own validation clips: {values}."
    [of] = fitted
    without = "" if of.ece_uncalibrated is None else f"; without it the error is {number(of.ece_uncalibrated)}"
    return f"Temperature {values}, fitted on {of.fitted_on}{without}."


def robustness(of: Robustness) -> str:
    """Return how accuracy holds on distorted clips."""
    some_clips = f" of {of.n_available:,}" if of.n_clips < of.n_available else ""
    worst = min(of.families.values(), key=lambda curve: curve.area)
    return (
        f"Mean accuracy under distortion {accuracy(of.area)}, undistorted {accuracy(of.clean)}, chance "
        f"{accuracy(of.chance)}, on {of.n_clips:,}{some_clips} clips. Worst: {worst.title}, {accuracy(worst.area)}."
    )


def numbers(result: Tested, networks: Collection[Result], robust: Robustness | None) -> list[Number]:
    """Return the main numbers beside the accuracy, each with its meaning."""
    found = []
    if isinstance(result, CrossValidation):
        mean = f"{accuracy(result.accuracy_mean)} ± {number(result.accuracy_std)}"
        found.append(Number("mean over folds", mean, "with standard deviation; higher is better"))
    n_wrong = result.n_test - result.n_correct
    found.append(Number("misclassified", f"{n_wrong:,}", f"of {count(result.n_test, 'clip')}; fewer is better"))
    found.append(Number("cross entropy", number(result.loss), "nats per clip; lower is better, 0 is perfect"))
    found.append(Number("calibration error", number(result.calibration.ece), "gap to the confidence; lower is better"))
    if robust is not None:
        found.append(Number("under distortion", accuracy(robust.area), "mean accuracy; higher is better"))
    n_parameters = next(iter(networks)).n_parameters
    if n_parameters is not None:
        found.append(Number("parameters", f"{n_parameters:,}", "weights in the network"))
    found.append(
        Number("time", f"{result.seconds:,.0f} s", f"{count(result.epochs, 'epoch')} and test, on {result.device}")
    )
    return found


def unfinished(result: Tested) -> str:
    """Return a warning if training is not finished, otherwise nothing."""
    if result.is_finished:
        return ""
    return f"Training is not finished: {result.epochs} of {result.epochs_planned} epochs."


def difference(of: Difference) -> str:
    """Return the accuracies behind a verdict."""
    left_out = f"; {count(of.n_contradicting, 'clip')} with different labels left out" if of.n_contradicting else ""
    return (
        f"on the {count(of.n_shared, 'clip')} that both tested: {of.first} {accuracy(of.accuracy_first)}, {of.second} "
        f"{accuracy(of.accuracy_second)}; correct in only one: {of.only_first:,} and {of.only_second:,}{left_out}"
    )


def restrictions(result: Result) -> list[str]:
    """Return what else is to be known of an evaluation: clips that were trained on, left out, or cut."""
    found = []
    if result.n_trained_on is None:
        found.append("it is not known whether the model was trained on these clips")
    elif result.n_trained_on:
        found.append(f"{result.n_trained_on:,} of these {count(result.n_test, 'clip')} were trained on")
    if result.n_left_out:
        found.append(f"{count(result.n_left_out, 'clip')} left out: unusable, or of classes that the network lacks")
    if result.n_cut:
        found.append(f"{count(result.n_cut, 'clip')} longer than the window, and cut")
    return found


def suspects(n_suspects: int, n_tested: int) -> str:
    """Return how many labels look wrong."""
    if not n_suspects:
        return f"no label of {n_tested:,} looks wrong"
    return f"{n_suspects:,} of {n_tested:,} labels look wrong ({100 * n_suspects / n_tested:.1f} %)"


def judged_by(n_unseen: int, n_tested: int, agreement: float) -> str:
    """Return what is to be known of the networks that judged labels."""
    if not n_unseen:
        return (
            "Known speakers: each clip was judged by a network that was not trained on it, but on other clips of its "
            "speaker. A label that such a network rules out is seldom correct."
        )
    which = "each clip" if n_unseen == n_tested else f"{n_unseen:,} of {n_tested:,} clips"
    return (
        f"Unseen speakers: a network that was not trained on the speaker judged {which}. It misclassifies more, and so "
        f"suspects more correct labels; here it agrees with {accuracy(agreement)} of them. Listen before you leave "
        "clips out. Random folds suspect fewer."
    )


def misclassified(result: Tested, n_shown: int, n_silent: int) -> str:
    """Return how many clips are misclassified, and which of them are shown."""
    n_wrong = result.n_test - result.n_correct
    if not n_wrong:
        return "No clip is misclassified."
    which = "all of them" if n_shown == n_wrong else f"the {n_shown} of highest confidence"
    silent = f" {n_silent} without sound, as the recordings are no longer there." if n_silent else ""
    found = result.suspects if isinstance(result, CrossValidation) else None
    suspected = f" {count(found.count, 'label')} may be wrong: see `suspects.html`." if found and found.count else ""
    return f"{count(n_wrong, 'clip')} misclassified; here are {which}.{silent}{suspected}"


def given(clip: Misclassified) -> str:
    """Return the confidence in a clip's prediction and in its label."""
    return (
        f"confidence {confidence(clip.probability)} for {clip.prediction}, "
        f"{confidence(clip.label_probability)} for {clip.label}"
    )


def task(result: Tested) -> str:
    """Return what the network tells apart."""
    return f"the {result.target} in a recording of one spoken word ({some([*result.per_class])})"


def watched(histories: Sequence[Sequence[EpochRecord]]) -> str:
    """Return which clips the curves are of, and that no choice looked at test clips."""
    on = histories[0][-1].watched
    if on == "test":
        return "Measured on the test clips after each epoch, without effect: the last weights are tested."
    return f"Measured on {on} clips after each epoch; the test clips were used once, at the end."


def data(config: Config, fingerprint: str, state: str) -> str:
    """Return which corpus it was, and by which scheme it was split."""
    further = " and ".join(map(place, config.extra_data))
    extra = f", trained on {further} as well" if further else ""
    text = f"{place(config.data)}, split {config.split.scheme}{extra}; fingerprint {fingerprint}."
    return f"{text} {state}".strip()


def reproduce(result: Tested, fingerprint: str) -> str:
    """Return what is needed to train the same network again."""
    verb = "kfold" if isinstance(result, CrossValidation) else "train"
    return (
        f"`audiomnist {verb} --config config.yaml` with `config.yaml` of the run folder trains again: seed "
        f"{result.seed}, audiomnist {result.audiomnist}, torch {result.torch}, device {result.device}, corpus "
        f"fingerprint {fingerprint}. On one machine with the same number of threads the weights are the same, bit for "
        "bit."
    )
