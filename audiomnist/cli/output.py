"""What the user sees: results on stdout, progress and messages on stderr."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from audiomnist import distributed
from audiomnist.errors import AudiomnistError, Interrupted, printable
from audiomnist.experiments.progress import Count, Progress

if TYPE_CHECKING:
    from audiomnist.runs.results import EpochRecord


def result_console() -> Console:
    """Return the console for results, silent in all processes of a job but one."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True, quiet=not distributed.is_spokesman())


def message_console(quiet: bool = False) -> Console:
    """Return the console for everything that is not the result, silent in all processes of a job but one."""
    return _error_console(quiet or not distributed.is_spokesman())


def _error_console(quiet: bool = False) -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True, quiet=quiet)


def print_json(document: Any) -> None:
    """Print one JSON document, in one process of a job."""
    if distributed.is_spokesman():
        _write_json(document)


def _write_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=1, default=str, allow_nan=False) + "\n")


def report_error(error: AudiomnistError, *, as_json: bool) -> None:
    """Print an error: for people to stderr, for scripts to stdout; of a job, in whichever process may tell."""
    if as_json:
        _write_json(error_document(error))
        return
    console = _error_console()
    if isinstance(error, Interrupted):
        console.print(Text(error.message, "bold"))
    else:
        console.print(Text.assemble(("error:", "bold red"), " ", error.message))
    if error.hint:
        console.print(Text.assemble(("hint:", "bold"), " ", error.hint))


def error_document(error: AudiomnistError) -> dict[str, str | int]:
    """Return what a script is told of an error."""
    return {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}


@contextmanager
def progress(task: str, unit: str, *, quiet: bool) -> Iterator[Count]:
    """Show how a task goes: a bar on a terminal, one line at the end elsewhere, nothing if there was nothing to do."""
    console = message_console(quiet)
    started, reached = time.perf_counter(), 0
    with _bars(console, "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bars:
        bar = bars.add_task(task, total=None, visible=False)

        def show(done: int, total: int | None) -> None:
            nonlocal reached
            reached = done
            bars.update(bar, completed=done, total=total, visible=True)

        yield show
    if reached:
        seconds = time.perf_counter() - started
        console.print(f"{task}: {reached:,} {unit} in {seconds:.1f} s ({reached / seconds:,.0f}/s)")


@contextmanager
def byte_progress(*, quiet: bool) -> Iterator[Count]:
    """Show bytes done, rate and remaining time on a terminal; nothing elsewhere. A count that falls starts anew."""
    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with _bars(message_console(quiet), *columns) as bars:
        bar = bars.add_task("", total=None)

        def show(done: int, total: int | None) -> None:
            if done < bars.tasks[bar].completed:
                bars.reset(bar)
            bars.update(bar, completed=done, total=total)

        yield show


def _bars(console: Console, *columns: str | ProgressColumn) -> Bars:
    """Return bars that are shown on a terminal only, and gone when they are through."""
    return Bars(*columns, console=console, transient=True, disable=console.quiet or not console.is_terminal)


class ConsoleProgress(Progress):
    """Messages, bars and a line per epoch on stderr; of several processes the first alone writes."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = message_console(quiet)
        self._advance: Callable[[], None] = lambda: None

    def say(self, message: str) -> None:
        """Print a message; control characters in names are made visible."""
        self._console.print("\n".join(map(printable, message.split("\n"))))

    @contextmanager
    def counting(self, task: str, unit: str) -> Iterator[Count]:
        """Show how a task goes."""
        with progress(task, unit, quiet=self._quiet) as show:
            yield show

    @contextmanager
    def training(self, epochs: int) -> Iterator[None]:
        """Show a bar over so many epochs, on a terminal."""
        columns = "{task.description}", BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
        with _bars(self._console, *columns) as bars:
            bar = bars.add_task("training", total=epochs)
            self._advance = lambda: bars.advance(bar)
            yield

    def epoch_ended(self, record: "EpochRecord", fold: int | None = None) -> None:
        """Print a line for an epoch, or for the last epoch of a fold."""
        self._advance()
        if fold is not None and record.epoch < record.epochs:
            return
        label, rate = ("", f"  {record.clips_per_second:,.0f}/s") if fold is None else (f"fold {fold}  ", "")
        self._console.print(
            f"{label}epoch {record.epoch:>2}/{record.epochs}  train loss {record.train_loss:.3f}  "
            f"{record.watched} loss {record.loss:.3f}  accuracy {record.accuracy:.3f}{rate}"
        )
