"""Results as tables for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from audiomnist.evaluation.metrics import Scores
    from audiomnist.training.listing import Summary

_SPEAKERS_SHOWN = 12
_UNLIMITED = 10_000


def print_scores(console: Console, scores: "Scores") -> None:
    """Print the figures per digit with the confusion matrix, and per speaker."""
    console.print(_classes(scores))
    console.print(_speakers(scores))


def _classes(scores: "Scores") -> Table:
    table = _table("spoken (rows) against recognised (columns)", padding=0)
    table.add_column("", style="bold")
    for name in scores.per_class:
        table.add_column(name, justify="right", min_width=4, no_wrap=True)
    for name in ("prec.", "recall", "F1"):
        table.add_column(name, justify="right", min_width=6, no_wrap=True)
    for row, (name, of_class) in enumerate(scores.per_class.items()):
        counts = [_count(count, row == column) for column, count in enumerate(scores.confusion[row].tolist())]
        figures = [f"{of_class[key]:.3f}" for key in ("precision", "recall", "f1")]
        table.add_row(Text(name), *counts, *figures)
    return table


def _count(count: int, on_diagonal: bool) -> Text:
    if not count:
        return Text(".", "dim")
    return Text(str(count), "green" if on_diagonal else "red")


def _speakers(scores: "Scores") -> Table:
    shown = list(scores.per_speaker.items())[:_SPEAKERS_SHOWN]
    hidden = len(scores.per_speaker) - len(shown)
    title = "speakers, worst first" + (f" ({hidden} better ones not shown)" if hidden else "")
    table = _table(title)
    table.add_column("speaker", style="bold")
    table.add_column("accuracy", justify="right")
    table.add_column("clips", justify="right")
    for speaker, figures in shown:
        table.add_row(speaker, f"{figures['accuracy']:.3f}", str(figures["n"]))
    return table


def folds_table(folds: list[dict[str, Any]]) -> Table:
    """Return a table with a row per fold and their mean and standard deviation."""
    table = _table("folds", show_footer=True)
    table.add_column("fold", footer="mean ± std", style="bold")
    if folds[0]["held_out"]:
        table.add_column("held out")
    for name in ("accuracy", "loss"):
        values = [fold[name] for fold in folds]
        table.add_column(name, footer=f"{fmean(values):.4f} ± {pstdev(values):.4f}", justify="right")
    table.add_column("clips", footer=str(sum(fold["n_test"] for fold in folds)), justify="right")
    for fold in folds:
        held_out = [", ".join(fold["held_out"])] if fold["held_out"] else []
        table.add_row(
            str(fold["fold"]),
            *held_out,
            f"{fold['accuracy']:.4f}",
            f"{fold['loss']:.4f}",
            str(fold["n_test"]),
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
