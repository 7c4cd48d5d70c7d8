"""The tables of results, built once for the terminal, pages and model cards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from audiomnist.corpus.splits import Part
from audiomnist.reports.sentences import place
from audiomnist.reports.table import Table
from audiomnist.reports.wording import accuracy, ends, number
from audiomnist.runs.comparison import Comparison
from audiomnist.runs.results import CrossValidation, Misclassified, Result, Tested
from audiomnist.runs.robustness import Robustness
from audiomnist.runs.scores import Calibration, Estimate, Scores

_HIGHER = "Higher is better."
_COMPARED = {
    "loss": "cross entropy",
    "n_test": "test clips",
    "n_train": "training clips",
    "n_parameters": "parameters",
    "train_seconds": "training, seconds",
    "worst_speaker_accuracy": "accuracy of that speaker",
    "robustness": "accuracy under distortion",
}
_INTERVALS = "The interval is the 95 % interval over speakers where there are several, otherwise over clips."


def confusion(scores: Scores) -> Table:
    """Return the confusion matrix with the share of each label that is correct."""
    rows = [
        (name, *(f"{n}" if n else "." for n in counts), accuracy(of.recall))
        for (name, of), counts in zip(scores.per_class.items(), scores.confusion, strict=True)
    ]
    columns = ("", *scores.per_class, "recall")
    return Table("labels (rows) and predictions (columns)", columns, tuple(rows))


def classes(result: Tested, shown: int | None = None) -> Table:
    """Return precision, recall and F1 of each class, the lowest recall first, or the first of them."""
    target = result.target
    ordered = sorted(result.per_class.items(), key=lambda item: item[1].recall)[:shown]
    some = f" ({len(ordered)} of {len(result.per_class):,})" if len(ordered) < len(result.per_class) else ""
    rows = [
        (name, *(accuracy(value) for value in (of.recall, of.precision, of.f1)), f"{of.n:,}") for name, of in ordered
    ]
    note = f"Recall: share of the label's clips that are correct. Precision: share of the predictions. {_HIGHER}"
    return Table(
        f"By {target}, lowest recall first{some}", (target, "recall", "precision", "F1", "clips"), tuple(rows), note
    )


def groups(result: Tested) -> list[Table]:
    """Return the accuracy by speaker and by what else is known of the clips, lowest first.

    Groups that are the classes again are left out, and those of one value but for speakers.
    """
    return [
        group(name, values)
        for name, values in result.groups.items()
        if name == "speaker" or (len(values) > 1 and name != result.target)
    ]


def group(name: str, values: Mapping[str, Estimate], shown: int | None = None) -> Table:
    """Return the accuracy by the values of one column, the lowest first, or the first of them."""
    n_all, values = len(values), dict(list(values.items())[:shown])
    of_several = any(of.n_speakers > 1 for of in values.values())
    columns = {
        name: list(values),
        "accuracy": [accuracy(of.accuracy) for of in values.values()],
        "95 % interval": [ends(of) for of in values.values()],
        "clips": [f"{of.n:,}" for of in values.values()],
        "speakers": [f"{of.n_speakers:,}" for of in values.values() if of_several],
    }
    some = f" ({len(values)} of {n_all:,})" if len(values) < n_all else ""
    heading = f"By {name}, lowest accuracy first{some}" if n_all > 1 else f"By {name}"
    note = f"{_HIGHER} {_INTERVALS if of_several else 'The interval is over clips.'}"
    return Table.of_columns(heading, columns, note, list(values.values()))


def folds(result: CrossValidation, networks: Sequence[Result] = ()) -> Table:
    """Return a row per fold; with the networks also how many clips each was trained on."""
    held_out = any(fold.held_out for fold in result.folds)
    columns = {
        "fold": [f"{fold.fold}" for fold in result.folds],
        "held out": [", ".join(fold.held_out or ("-",)) for fold in result.folds if held_out],
        "train": [f"{network.n_train or 0:,}" for network in networks],
        "test": [f"{fold.n_test:,}" for fold in result.folds],
        "accuracy": [accuracy(fold.accuracy) for fold in result.folds],
        "loss": [number(fold.loss) for fold in result.folds],
    }
    note = "Train and test: clips. Loss: cross entropy in nats."
    if held_out:
        note = f"Held out: speakers that were not trained on. {note}"
    return Table.of_columns("Folds", columns, note)


def coverage(of: Calibration) -> Table:
    """Return what is correct of the rest if the clips of lowest confidence go to a person."""
    rows = [
        (f"{100 * each.coverage:.0f} %", accuracy(each.accuracy), accuracy(each.min_probability))
        for each in of.coverage
    ]
    columns = ("answered", "accuracy", "lowest confidence")
    return Table("If the clips of lowest confidence are left to a person", columns, tuple(rows), _HIGHER)


def robustness(of: Robustness) -> Table:
    """Return the mean accuracy and the lowest by kind of distortion, worst first."""
    rows = []
    for curve in sorted(of.families.values(), key=lambda curve: curve.area):
        lowest, level = min(zip(curve.accuracy, curve.levels, strict=True))
        rows.append((curve.title, accuracy(curve.area), accuracy(lowest), f"{level:g} ({curve.unit})"))
    columns = ("distortion", "mean accuracy", "lowest", "at")
    return Table("By distortion, lowest accuracy first", columns, tuple(rows), f"{_HIGHER} Means over all strengths.")


def distortions(of: Robustness) -> Table:
    """Return the accuracy at each strength of each distortion."""
    width = max(len(curve.levels) for curve in of.families.values())
    rows = []
    for curve in of.families.values():
        empty = [""] * (width - len(curve.levels))
        rows.append((curve.title, accuracy(curve.area), *(f"{level:g}" for level in curve.levels), *empty))
        rows.append((f"  {curve.unit}", "", *map(accuracy, curve.accuracy), *empty))
    return Table("accuracy by distortion and strength", ("distortion", "mean", *[""] * width), tuple(rows))


def evaluations(results: Mapping[str, Result]) -> Table:
    """Return the results on other corpora."""
    rows = [
        (name, accuracy(of.accuracy), ends(of.interval), f"{of.n_test:,}", place(of.data))
        for name, of in results.items()
    ]
    return Table("Evaluations", ("evaluation", "accuracy", "95 % interval", "clips", "corpus"), tuple(rows), _HIGHER)


def corpora(results: Sequence[Result]) -> Table:
    """Return the results of one network on several corpora, with the class that is recognised worst."""
    worst = []
    for of in results:
        recalls = {name: each.recall for name, each in of.per_class.items() if each.n}
        lowest = min(recalls, key=lambda name: recalls[name])
        worst.append(f"{lowest} ({accuracy(recalls[lowest])})")
    columns = {
        "corpus": [place(of.data) for of in results],
        "accuracy": [accuracy(of.accuracy) for of in results],
        "95 % interval": [ends(of.interval) for of in results],
        f"worst {results[0].target}": worst,
        "no digit": [accuracy(of.misses) for of in results if of.misses is not None],
        "clips": [f"{of.n_test:,}" for of in results],
        "speakers": [f"{of.interval.n_speakers:,}" for of in results],
    }
    note = f'{_HIGHER} "No digit": share of the clips that would get this answer.' if columns["no digit"] else _HIGHER
    return Table.of_columns("Corpora", columns, note)


def suspects(found: Sequence[Misclassified], n_all: int) -> Table:
    """Return the clips whose label looks wrong, the most suspicious first."""
    rows = [
        (each.path, each.label, each.prediction, number(each.probability), number(each.label_probability), each.speaker)
        for each in found
    ]
    more = f" ({n_all - len(found):,} more in suspects.csv)" if n_all > len(found) else ""
    columns = ("clip", "label", "predicted", "confidence", "of the label", "speaker")
    return Table(f"labels that look wrong, the most suspicious first{more}", columns, tuple(rows))


def differing_settings(of: Comparison) -> Table:
    """Return the settings that are not the same in all runs."""
    rows = [
        (key, *(value if isinstance(value, str) else json.dumps(value) for value in values))
        for key, values in of.settings.items()
    ]
    return Table("settings that differ", ("setting", *(run.name for run in of.runs)), tuple(rows))


def compared(of: Comparison) -> Table:
    """Return the main numbers of each run, without those that are known of none."""
    shares = {"accuracy", "worst_speaker_accuracy", "robustness"}
    rows, runs = [], [dict(run) for run in of.runs]
    for key in runs[0]:
        values = [run[key] for run in runs]
        if key not in {"name", "path"} and any(value is not None for value in values):
            rows.append(
                (_COMPARED.get(key, key.replace("_", " ")), *(_cell(value, is_share=key in shares) for value in values))
            )
    return Table("results, each on all its own test clips", ("", *(run.name for run in of.runs)), tuple(rows))


def _cell(value: Any, *, is_share: bool) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return accuracy(value) if is_share else number(value)


def parts(split: Mapping[Part, Sequence[str]], speaker_of: Mapping[str, str]) -> Table:
    """Return the clips and speakers of each part of a split, given the speakers of its clips as far as known."""
    rows = []
    for part, paths in split.items():
        if paths:
            speakers = {speaker_of.get(path) for path in paths}
            rows.append((part, f"{len(paths):,}", "not known" if None in speakers else f"{len(speakers):,}"))
    return Table("Parts", ("part", "clips", "speakers"), tuple(rows))
