"""Results for people: tables and sentences on a terminal, or in a pipe."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from audiomnist.cli.output import say, say_commands, say_path
from audiomnist.errors import command, count, printable, shown
from audiomnist.reports import sentences, tables
from audiomnist.reports.table import Table
from audiomnist.reports.wording import accuracy
from audiomnist.runs.results import Result

if TYPE_CHECKING:
    from audiomnist.evaluation.analysis import Analysis
    from audiomnist.experiments.environment import Repetition
    from audiomnist.reports.report import Report
    from audiomnist.runs.comparison import Comparison
    from audiomnist.runs.listing import NoRun, Summary
    from audiomnist.runs.results import CrossValidation, Evaluations, Suspects, Tested
    from audiomnist.runs.robustness import Robustness

_SUSPECTS_SHOWN = 10
_SPEAKERS_SHOWN = 12
_UNLIMITED = 10_000


def print_table(
    console: Console, table: Table, *, optional: Sequence[str] = (), style: Callable[[int, int], str] = lambda *_: ""
) -> None:
    """Print a table; on a terminal it is made to fit, elsewhere it is as wide as its cells.

    Parameters
    ----------
    optional : sequence of str
        Columns that are left out, one after the other, where the table is too wide for the terminal.
    style : callable
        Row and column of a cell in, its style out.
    """
    columns = list(range(len(table.columns)))
    for name in optional:
        if console.is_terminal and _width(table, columns) > console.width:
            columns.remove(table.columns.index(name))
    rich_table = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, show_header=any(table.columns)
    )
    for place in columns:
        is_number = place > 0 and table.is_number(place)
        rich_table.add_column(
            Text(printable(table.columns[place])),
            style="" if place else "bold",
            justify="right" if is_number else "left",
            no_wrap=is_number or bool(optional),
            overflow="fold",
        )
    for row, cells in enumerate(table.rows):
        rich_table.add_row(*(Text(printable(cells[place]), style(row, place)) for place in columns))
    say(console, (table.title, "bold"))
    width = console.width
    console.width = width if console.is_terminal else _UNLIMITED
    console.print(rich_table)
    console.width = width
    if table.note:
        say(console, (table.note, "dim"))


def _width(table: Table, columns: Sequence[int]) -> int:
    """Return how wide a table is, with two columns between its own."""
    return sum(max(len(cells[place]) for cells in (table.columns, *table.rows)) + 2 for place in columns) - 2


def print_result(
    console: Console,
    result: "Result | CrossValidation",
    folder: Path,
    *,
    robustness: "Robustness | None" = None,
    left_out_by: str | None = None,
    details: bool = False,
) -> None:
    """Print the result of a training, a cross validation or an evaluation, and what to do next.

    Parameters
    ----------
    folder : Path
        Where it was written.
    left_out_by : str, optional
        The list of clips that a cross validation left out already.
    details : bool
        Print groups, classes, calibration, folds and robustness as well.
    """
    folds = None if isinstance(result, Result) else result
    say(console, (sentences.headline(result), "bold"))
    if folds:
        say(console, sentences.folds(folds))
    say(console, f"{sentences.correct(result)}; cross entropy {result.loss:.3f}; {_origin(result)}")
    matrix = tables.confusion(result)
    if _width(matrix, range(len(matrix.columns))) <= console.width:
        print_table(console, matrix, style=partial(_count_style, result))
    else:
        say(console, f"the confusion matrix of {len(result.per_class)} classes: figures/confusion.png")
    say(console, sentences.mistakes(result))
    if missed := sentences.misses(result):
        say(console, missed)
    if len(result.groups["speaker"]) > 1 and result.accuracy < 1:
        say(console, sentences.worst_speaker(result))
    if isinstance(result, Result) and not result.own_test:
        place = sentences.place(result.data)
        say(
            console,
            f"tested on {place}" if result.split == "all" else f"tested on part of {place}, split {result.split}",
        )
        for line in sentences.restrictions(result):
            say(console, line)
    else:
        say(console, sentences.known_speakers(result.groups["speaker"], result.unseen_speakers))
    if robustness:
        say(console, sentences.robustness(robustness))
    if details:
        _print_details(console, result, robustness)
    is_evaluation = isinstance(result, Result) and result.n_train is None
    say_path(console, "written to" if is_evaluation else "run folder", folder)
    if folds and folds.suspects:
        _print_suspects(console, folds, folds.suspects, folder, left_out_by)
    run = Path(result.run) if is_evaluation else folder
    if is_evaluation and not run.is_dir():  # a model file, of which there is no report
        return
    commands = [command("audiomnist report", run)]
    if not is_evaluation and not folds:
        commands.append(f"{command('audiomnist evaluate', folder, '--data')} PLACE")
        if not result.unseen_speakers:
            commands.append(command("audiomnist kfold --group speaker --config", folder / "config.yaml"))
    say_commands(console, "next", *commands)


def print_repetition(console: Console, repetition: "Repetition") -> None:
    """Print whether a run came to the weights of the one that it repeats, and what differs where they ran."""
    outcome = {
        True: f"the weights are the same as those of {repetition.run}, bit for bit",
        False: f"the weights differ from those of {repetition.run}",
        None: f"{repetition.run} has no weights to compare",
    }
    say(console, outcome[repetition.same_weights])
    if repetition.differences is None:
        say(console, "where that run was computed is not known")
        return
    for name, (then, now) in repetition.differences.items():
        say(console, f"  {name}: {now}, was {then}")


def _count_style(result: "Tested", row: int, column: int) -> str:
    """Return the style of a cell in a confusion matrix: correct counts in green, others in red."""
    if not 0 < column <= len(result.per_class):
        return ""
    return "green" if row == column - 1 else "red" if result.confusion[row][column - 1] else ""


def _origin(result: "Result | CrossValidation") -> str:
    seconds = (isinstance(result, Result) and result.train_seconds) or result.seconds
    reached = "" if result.is_finished else f"{result.epochs} of "
    epochs = f"{reached}{count(result.epochs_planned, 'epoch')}"
    return f"{result.version}, {epochs}, {seconds:.0f} s"


def _print_details(console: Console, result: "Result | CrossValidation", robustness: "Robustness | None") -> None:
    found = [*tables.groups(result), tables.classes(result), tables.coverage(result.calibration)]
    if not isinstance(result, Result):
        found.insert(0, tables.folds(result))
    if robustness:
        found.append(tables.distortions(robustness))
    for table in found:
        console.print()
        print_table(console, table)
    console.print()
    say(console, sentences.calibration(result.calibration))
    if isinstance(result, Result):
        say(console, sentences.temperature([result]))


def _print_suspects(
    console: Console, result: "CrossValidation", found: "Suspects", folder: Path, left_out_by: str | None
) -> None:
    """Print how many labels look wrong, the first of them, and what to do with them."""
    verdict = sentences.suspects(found.count, result.n_test)
    if not found.count:
        say(console, verdict)
        return
    print_table(console, tables.suspects(found.first[:_SUSPECTS_SHOWN], found.count), optional=("speaker",))
    listed, page = Path(found.files["csv"]), Path(found.files["html"])
    say(console, (verdict, "bold"))
    say_path(console, "list", listed)
    if found.unseen_voices:
        say(console, sentences.judged_by(found.unseen_voices, result.n_test, result.accuracy))
    say_path(console, "look and listen", page)
    if left_out_by:
        say(console, f"this run left clips out already: add those of {left_out_by} to the list")
    without = command("audiomnist kfold --config", folder / "config.yaml", "--exclude-file", listed)
    say_commands(console, "next, without them", without)


def print_evaluations(console: Console, of: "Evaluations") -> None:
    """Print the results of a network on several corpora."""
    print_table(console, tables.corpora(of.corpora))
    for result in of.corpora:
        for line in sentences.restrictions(result):
            say(console, f"{sentences.place(result.data)}: {line}")
    say(console, (f"mean accuracy {accuracy(of.accuracy_mean)}", "bold"), f" over {len(of.corpora)} corpora")


def print_comparison(console: Console, of: "Comparison") -> None:
    """Print runs side by side, and whether they really differ."""
    if of.settings:
        print_table(console, tables.differing_settings(of))
    else:
        console.print("the settings are the same")
    console.print()
    print_table(console, tables.compared(of))
    for caution in of.cautions:
        say(console, ("caution:", "yellow"), f" {caution}")
    for difference in of.differences:
        say(console, (difference.verdict, "bold"))
        say(console, f"  {sentences.difference(difference)}")
    if len(of.differences) > 1:
        console.print(f"p values are corrected by Holm's method for {len(of.differences)} comparisons")
    say_path(console, "written to", Path(of.out))


def print_runs(console: Console, found: "Sequence[Summary]", others: "Sequence[NoRun]", folder: Path) -> None:
    """Print which runs there are, how to finish those that are not, and what is no run."""
    if not found:
        what = "nothing in {} is a run that can be read" if others else "there is no run in {}"
        say_commands(console, f"{what.format(shown(folder))}; train one", "audiomnist train")
    else:
        rows = tuple(
            (
                run.name,
                run.version,
                f"{run.folds} folds" if run.folds else run.kind,
                run.split,
                sentences.place(run.data),
                f"{run.epochs}/{run.epochs_asked}",
                "unfinished" if run.accuracy is None else accuracy(run.accuracy),
                f"{run.started:%Y-%m-%d %H:%M}",
            )
            for run in found
        )
        columns = ("run", "version", "kind", "split", "corpus", "epochs", "accuracy", "started")
        table = Table(f"runs in {shown(folder)}, newest last", columns, rows)
        print_table(console, table, optional=("started", "version", "corpus", "split", "epochs", "kind"))
    for run in found:
        if run.resume:
            say_commands(console, f"unfinished: {run.name}; resume it", run.resume)
    for other in others:
        say(console, ("not a run:", "yellow"), f" {other.name}: {other.problem.splitlines()[0]}")


def print_analysis(console: Console, analysis: "Analysis", page: Path) -> None:
    """Print what is in a corpus, and what follows for training."""
    from audiomnist.reports.analysis import counts, lengths, signals

    summary = analysis.summary
    for table in (counts(summary), lengths(summary), signals(summary, _SPEAKERS_SHOWN)):
        print_table(console, table)
        console.print()
    if summary.unreadable:
        console.print(f"left out, {len(summary.unreadable):,} clips that cannot be read:")
        for fault in summary.unreadable[:_SPEAKERS_SHOWN]:
            say(console, f"  {fault}")
    say(console, ("what follows for training", "bold"))
    for conclusion in analysis.conclusions:
        heading = (conclusion.heading, "yellow" if conclusion.matters else "green")
        say(console, "  ", heading, f": {conclusion.text.replace('`', '')}")
    say_path(console, "report", page)


def print_report(console: Console, report: "Report") -> None:
    """Print the headline of a report, and where it is."""
    result = report.result
    say(console, (sentences.headline(result), "bold"))
    if sentences.unfinished(result):
        say(console, (sentences.unfinished(result), "yellow"))
    lines = (
        f"{sentences.correct(result)}. {sentences.trust(result)}",
        sentences.known_speakers(report.speakers, report.unseen_speakers),
        sentences.worst_speaker(result),
        report.robust.replace("`", ""),
    )
    for line in lines:
        say(console, line)
    say_path(console, "report", report.page)
    say_path(console, "model card", report.card)
