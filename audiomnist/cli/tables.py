"""Results as tables for people."""

from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from audiomnist.evaluation.metrics import Scores
    from audiomnist.evaluation.robustness import Robustness

_SPEAKERS_SHOWN = 12


def print_scores(console: Console, scores: "Scores") -> None:
    """Print the figures per digit with the confusion matrix, and per speaker."""
    console.print(_digits(scores))
    console.print(_speakers(scores))


def _digits(scores: "Scores") -> Table:
    table = _table("spoken (rows) against recognised (columns)", padding=0)
    table.add_column("", style="bold")
    for name in scores.per_digit:
        table.add_column(name, justify="right", min_width=4, no_wrap=True)
    for name in ("prec.", "recall", "F1"):
        table.add_column(name, justify="right", min_width=6, no_wrap=True)
    for row, (name, of_digit) in enumerate(scores.per_digit.items()):
        counts = [_count(count, row == column) for column, count in enumerate(scores.confusion[row].tolist())]
        figures = [f"{of_digit[key]:.3f}" for key in ("precision", "recall", "f1")]
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


def print_robustness(console: Console, robustness: "Robustness") -> None:
    """Print accuracy by kind and level of distortion, and what it comes to."""
    table = _table("accuracy under distortion, by level", padding=0)
    table.add_column("distortion", style="bold", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    for _ in range(max(len(curve.levels) for curve in robustness.curves)):
        table.add_column(justify="right", min_width=6, no_wrap=True)
    for curve in robustness.curves:
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
