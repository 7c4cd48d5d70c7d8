"""Tables that the page and the model card share, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audiomnist.reports.run import words
from audiomnist.reports.run.facts import Facts
from audiomnist.runs.results import Robustness

LONG = 20


@dataclass(frozen=True)
class Table:
    """A table whose rows' names are its first column."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, list[str]]


def at_a_glance(facts: Facts) -> dict[str, str]:
    """Return single figures with what they are."""
    metrics = facts.metrics
    values = {}
    if facts.folds:
        values["mean and deviation of the folds"] = f"{metrics['accuracy_mean']:.2%} ± {metrics['accuracy_std']:.2%}"
    values |= {
        "worst speaker": f"{metrics['worst_speaker']['accuracy']:.2%}",
        "expected calibration error": f"{metrics['calibration']['ece']:.4f}",
        "cross entropy": f"{metrics['loss']:.4f}",
    }
    if facts.robustness is not None:
        values["under distortion"] = f"{facts.robustness.area:.2%}"
    n_parameters = facts.results[0]["n_parameters"]
    return values | {"parameters": f"{n_parameters:,}", "seconds in all": f"{metrics['seconds']:,.0f}"}


def data(facts: Facts) -> Table:
    """Return who was trained on and who was tested: by part, or by fold."""
    if facts.folds:
        columns = ("fold", "not trained on", "trained on", "tested", "accuracy", "loss")
        rows = {
            str(number): [
                ", ".join(fold["held_out"] or ["-"]),
                f"{fold['n_train']:,}",
                f"{fold['n_test']:,}",
                f"{fold['accuracy']:.2%}",
                f"{fold['loss']:.4f}",
            ]
            for number, fold in enumerate(facts.folds)
        }
        return Table("Folds", columns, rows)
    rows = {
        name: [f"{part.clips:,}", "not known" if part.speakers is None else f"{part.speakers:,}"]
        for name, part in facts.parts.items()
    }
    return Table("Parts", ("part", "clips", "speakers"), rows)


def groups(facts: Facts) -> list[Table]:
    """Return the accuracy by what is known of the clips, worst first, and the classes.

    Groups that are the classes again are left out, and those of one value but for speakers.
    """
    found = [
        Table(
            f"By {name}, worst first",
            (name, "accuracy", "95 %", "clips", "speakers"),
            {
                value: [f"{of['accuracy']:.2%}", words.interval(of), f"{of['n']:,}", f"{of['n_speakers']:,}"]
                for value, of in values.items()
            },
        )
        for name, values in facts.metrics["groups"].items()
        if name != facts.config.target and (name == "speaker" or len(values) > 1)
    ]
    return [*found, _classes(facts)]


def _classes(facts: Facts) -> Table:
    per_class = sorted(facts.metrics["per_class"].items(), key=lambda item: float(item[1]["recall"]))
    rows = {
        name: [*(f"{of[key]:.2%}" for key in ("recall", "precision", "f1")), f"{of['n']:,}"] for name, of in per_class
    }
    return Table(
        f"By {facts.config.target}, worst first", (facts.config.target, "recall", "precision", "F1", "clips"), rows
    )


def coverage(facts: Facts) -> Table:
    """Return what is right of the rest if the least sure clips go to a person."""
    rows = {
        f"{point['coverage']:.0%}": [f"{point['accuracy']:.2%}", f"{point['min_probability']:.1%}"]
        for point in facts.metrics["calibration"]["coverage"]
    }
    return Table("If the least sure clips go to a person", ("answered", "right of these", "sure, at least"), rows)


def robustness(of: Robustness) -> Table:
    """Return the mean accuracy and the lowest by kind of distortion, worst first."""
    rows = {}
    for curve in sorted(of.families.values(), key=lambda curve: curve.area):
        lowest, level = min(zip(curve.accuracy, curve.levels, strict=True))
        rows[curve.title] = [f"{curve.area:.2%}", f"{lowest:.2%}", f"{level:g} ({curve.unit})"]
    return Table("By distortion, worst first", ("distortion", "mean accuracy", "lowest", "at"), rows)


def evaluations(facts: Facts) -> Table:
    """Return how it did elsewhere."""
    rows = {}
    for name, of in facts.evaluations.items():
        interval = words.interval(of["interval"]) if "interval" in of else "not measured"
        rows[name] = [f"{of['accuracy']:.2%}", interval, f"{of['n_test']:,}", words.place(of["data"])]
    return Table("Tested later", ("evaluation", "accuracy", "95 %", "clips", "data"), rows)
