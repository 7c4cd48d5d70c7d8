"""Results as tables for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from audiomnist.runs.listing import Summary
    from audiomnist.runs.results import Calibration, Estimate, Fold, Robustness, Scores

_ROWS_SHOWN = 12
_UNLIMITED = 10_000


def print_scores(console: Console, scores: "Scores") -> None:
    """Print the figures per class with the confusion matrix, and per group.

    Groups that are the classes again or have one value only are left out, but for speakers.
    """
    console.print(_classes(scores))
    classes = {name: of_class.n for name, of_class in scores.per_class.items() if of_class.n}
    for name, values in scores.groups.items():
        is_class = {value: found.n for value, found in values.items()} == classes
        if name == "speaker" or (len(values) > 1 and not is_class):
            console.print(_group(name, values))


def accuracy_text(scores: "Scores") -> str:
    """Return the accuracy with its interval and how many speakers stand behind it."""
    found = scores.interval
    speakers = f"{found.n_speakers:,} speaker" + "s" * (found.n_speakers > 1)
    over = speakers if found.over == "speakers" else f"further clips of {speakers}"
    return f"accuracy {found.accuracy:.4f} (95 % of {over}: {found.low:.3f}-{found.high:.3f})"


def calibration_text(calibration: "Calibration") -> str:
    """Return how far off the probabilities are, and what is right of the rest if the least sure go to a person."""
    points = ", ".join(f"{point.coverage:.0%}: {point.accuracy:.4f}" for point in calibration.coverage[1:])
    text = f"calibration error {calibration.ece:.4f}; accuracy of the surest {points}"
    if calibration.fitted_on:
        text += (
            f"\ntemperature {calibration.temperature:.2f}, from {calibration.fitted_on}; "
            f"calibration error without it {calibration.ece_uncalibrated:.4f}"
        )
    return text


def voices(scores: "Scores", held_out: Sequence[str] | None) -> str:
    """Return in words whether the tested voices were trained on."""
    new, n_tested = held_out or [], len(scores.groups["speaker"])
    if not new:
        return "known voices: every tested speaker was also trained on; for new voices see --split speaker"
    if len(new) < n_tested:
        return f"{len(new)} of {n_tested} tested speakers were not trained on"
    names = ", ".join(new[:_ROWS_SHOWN]) + (", ..." if len(new) > _ROWS_SHOWN else "")
    return f"unseen voices: no tested speaker was trained on ({names})"


def _classes(scores: "Scores") -> Table:
    table = _table("spoken (rows) against recognised (columns)", padding=0)
    table.add_column("", style="bold")
    for name in scores.per_class:
        table.add_column(name, justify="right", min_width=4, no_wrap=True)
    for name in ("prec.", "recall", "F1"):
        table.add_column(name, justify="right", min_width=6, no_wrap=True)
    for row, (name, of_class) in enumerate(scores.per_class.items()):
        counts = [_count(count, row == column) for column, count in enumerate(scores.confusion[row])]
        figures = [f"{value:.3f}" for value in (of_class.precision, of_class.recall, of_class.f1)]
        table.add_row(Text(name), *counts, *figures)
    return table


def _count(count: int, on_diagonal: bool) -> Text:
    if not count:
        return Text(".", "dim")
    return Text(str(count), "green" if on_diagonal else "red")


def _group(name: str, values: "Mapping[str, Estimate]") -> Table:
    shown = list(values.items())[:_ROWS_SHOWN]
    hidden = len(values) - len(shown)
    heading = f"{name}, worst first" if len(values) > 1 else name
    table = _table(heading + (f" ({hidden} better ones not shown)" if hidden else ""))
    table.add_column(name, style="bold")
    of_many = name != "speaker"
    for heading in ("accuracy", "95 %", "clips", *["speakers"] * of_many):
        table.add_column(heading, justify="right")
    for value, found in shown:
        figures = (f"{found.accuracy:.3f}", f"{found.low:.3f}-{found.high:.3f}", f"{found.n:,}")
        table.add_row(Text(value), *figures, *[f"{found.n_speakers:,}"] * of_many)
    return table


def print_robustness(console: Console, robustness: "Robustness") -> None:
    """Print accuracy by kind and level of distortion, and what it comes to."""
    table = _table("accuracy under distortion, by level", padding=0)
    table.add_column("distortion", style="bold", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    for _ in range(max(len(curve.levels) for curve in robustness.families.values())):
        table.add_column(justify="right", min_width=6, no_wrap=True)
    for curve in robustness.families.values():
        cells = [
            Text.assemble((f"{level:g}", "dim"), f"\n{accuracy:.3f}")
            for level, accuracy in zip(curve.levels, curve.accuracy, strict=True)
        ]
        table.add_row(Text.assemble(curve.title, (f"\n{curve.unit}", "not bold dim")), f"{curve.area:.3f}", *cells)
    console.print(table)
    n_clips = f"{robustness.n_clips:,}"
    if robustness.n_clips < robustness.n_available:
        n_clips += f" of {robustness.n_available:,}"
    console.print(
        Text.assemble(
            (f"mean under distortion {robustness.area:.4f}", "bold"),
            f", clean {robustness.clean:.4f}, chance {robustness.chance:.2f}, on {n_clips} clips",
        )
    )


def folds_table(folds: "Sequence[Fold]") -> Table:
    """Return a table with a row per fold and their mean and standard deviation."""
    table = _table("folds", show_footer=True)
    table.add_column("fold", footer="mean ± std", style="bold")
    if folds[0].held_out:
        table.add_column("held out")
    for name in ("accuracy", "loss"):
        values = [getattr(fold, name) for fold in folds]
        table.add_column(name, footer=f"{fmean(values):.4f} ± {pstdev(values):.4f}", justify="right")
    table.add_column("clips", footer=str(sum(fold.n_test for fold in folds)), justify="right")
    for fold in folds:
        held_out = [", ".join(fold.held_out)] if fold.held_out else []
        table.add_row(
            str(fold.fold),
            *held_out,
            f"{fold.accuracy:.4f}",
            f"{fold.loss:.4f}",
            str(fold.n_test),
        )
    return table


def runs_table(runs: "list[Summary]", title: str) -> Table:
    """Return a table with a row per run."""
    table = _table(title, padding=0)
    table.add_column("run", style="bold", overflow="fold")
    for name in ("version", "kind", "split", "corpus"):
        table.add_column(name, overflow="fold")
    for name in ("epochs", "accuracy"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("started", no_wrap=True)
    for run in runs:
        table.add_row(
            Text(run.name),
            Text(run.version),
            f"{run.folds} folds" if run.folds else run.kind,
            Text(run.split),
            Text(Path(run.data).name),
            f"{run.epochs}/{run.epochs_asked}",
            Text("unfinished", "yellow") if run.accuracy is None else f"{run.accuracy:.4f}",
            f"{run.started:%Y-%m-%d %H:%M}",
        )
    return table


def side_by_side(title: str, names: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Table:
    """Return a table with a column per name and a row per key."""
    table = _table(title)
    table.add_column("", style="bold", overflow="fold")
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    for key, cells in rows.items():
        table.add_row(key, *(Text(cell) for cell in cells))
    return table


def print_wide(console: Console, table: Table) -> None:
    """Print a table: on a terminal it is made to fit, elsewhere it is as wide as its cells, and none is broken up."""
    width = console.width
    console.width = width if console.is_terminal else _UNLIMITED
    console.print(table)
    console.width = width


def _table(title: str, *, show_footer: bool = False, padding: int = 1) -> Table:
    return Table(
        padding=(0, padding),
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="",
        show_footer=show_footer,
        pad_edge=False,
    )
