"""What the user sees: results on stdout, progress and messages on stderr."""

import json
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from audiomnist import distributed
from audiomnist.errors import AudiomnistError, Interrupted, printable, shown
from audiomnist.experiments.progress import Progress
from audiomnist.progress import Show

if TYPE_CHECKING:
    from audiomnist.runs.results import EpochRecord


def result_console() -> Console:
    """Return the console for results, silent in all processes of a job but one."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True, quiet=not distributed.prints())


def message_console(quiet: bool = False) -> Console:
    """Return the console for everything that is not the result, silent in all processes of a job but one."""
    return _error_console(quiet or not distributed.prints())


def _error_console(quiet: bool = False) -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True, quiet=quiet)


def say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print texts as one paragraph, each plain or with its style; control characters in a name are made visible.

    On a terminal its lines end between words, and a path that is longer than a line stays whole.
    """
    texts = (printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts)
    text = Text.assemble(*texts)
    if console.is_terminal:
        indent = text.plain[: len(text.plain) - len(text.plain.lstrip())]
        text.plain = textwrap.fill(
            text.plain, console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    console.print(text)


def say_commands(console: Console, lead: str, *commands: str) -> None:
    """Print what commands are for, and each on a line of its own, which is not broken, so that it can be copied."""
    say(console, f"{lead}:")
    for command in commands:
        console.print(f"  {printable(command)}")


def say_path(console: Console, lead: str, path: Path) -> None:
    """Print where something lies, on a line that is not broken."""
    console.print(f"{lead}: {printable(shown(path))}")


def print_json(document: Any) -> None:
    """Print one JSON document, in one process of a job."""
    if distributed.prints():
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
        say(console, (error.message, "bold"))
    else:
        _say_lines(console, ("error: ", "bold red"), error.message)
    if error.hint:  # not broken into lines, as it may hold a command to copy
        console.print(Text.assemble(("hint:", "bold"), " ", error.hint))


def _say_lines(console: Console, lead: tuple[str, str], text: str) -> None:
    first, *others = text.split("\n")
    say(console, lead, first)
    for line in others:
        say(console, line)


def error_document(error: AudiomnistError) -> dict[str, str | int]:
    """Return what a script is told of an error."""
    return {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}


@contextmanager
def progress(task: str, unit: str, *, quiet: bool) -> Iterator[Show]:
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
def byte_progress(*, quiet: bool) -> Iterator[Show]:
    """Show bytes done, rate and remaining time on a terminal; nothing elsewhere. A lower count starts again."""
    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with _bars(message_console(quiet), *columns) as bars:
        bar = bars.add_task("", total=None)

        def show(done: int, total: int | None) -> None:
            if done < bars.tasks[bar].completed:
                bars.reset(bar)
            bars.update(bar, completed=done, total=total)

        yield show


class Bars(RichProgress):
    """Bars that write nothing where they are not shown; before Rich 14.3 they end with an empty line all the same."""

    def stop(self) -> None:
        """End them."""
        if not self.disable:
            super().stop()


def _bars(console: Console, *columns: str | ProgressColumn) -> Bars:
    """Return bars that are shown on a terminal only, and gone when they are through."""
    return Bars(*columns, console=console, transient=True, disable=console.quiet or not console.is_terminal)


class ConsoleProgress(Progress):
    """Messages, bars and a line per epoch on stderr; of several processes the first alone writes."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = message_console(quiet)
        self._epochs_done = 0
        self._show: Callable[[float], None] = lambda epochs_done: None

    def say(self, message: str) -> None:
        """Print a message."""
        _say_lines(self._console, ("", ""), message)

    @contextmanager
    def counting(self, task: str, unit: str) -> Iterator[Show]:
        """Show how a task goes."""
        with progress(task, unit, quiet=self._quiet) as show:
            yield show

    @contextmanager
    def training(self, epochs: int) -> Iterator[None]:
        """Show a bar over so many epochs, on a terminal."""
        columns = "{task.description}", BarColumn(), TimeRemainingColumn(compact=True), "left"
        with _bars(self._console, *columns) as bars:
            bar = bars.add_task("training", total=epochs)
            self._show = lambda epochs_done: bars.update(bar, completed=epochs_done)
            yield

    def step_ended(self, part: float) -> None:
        """Move the bar."""
        self._show(self._epochs_done + part)

    def epoch_ended(self, record: "EpochRecord", fold: int | None = None) -> None:
        """Move the bar, and print a line for an epoch, or for the last epoch of a fold."""
        self._epochs_done += 1
        self._show(self._epochs_done)
        if fold is not None and record.epoch < record.epochs:
            return
        label, rate = ("", f"  {record.clips_per_second:,.0f} clips/s") if fold is None else (f"fold {fold}  ", "")
        say(
            self._console,
            f"{label}epoch {record.epoch:>2}/{record.epochs}  loss {record.train_loss:.3f} train, {record.loss:.3f} "
            f"{record.watched}  accuracy {record.accuracy:.3f}{rate}",
        )
