"""What the user sees: results on stdout, chatter and progress on stderr."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from audiomnist import distributed
from audiomnist.errors import AudiomnistError, Interrupted

if TYPE_CHECKING:
    from audiomnist.runs.results import EpochRecord
    from audiomnist.training.trainer import Trainer

ProgressCallback = Callable[[int, int | None], None]


def result_console() -> Console:
    """Return the console for results."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def chatter_console(quiet: bool = False) -> Console:
    """Return the console for everything that is not the result, silent in all processes of a job but one."""
    return _error_console(quiet or not distributed.is_spokesman())


def _error_console(quiet: bool = False) -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True, quiet=quiet)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(document, indent=1, default=str, allow_nan=False) + "\n")


def report_error(error: AudiomnistError, *, as_json: bool) -> None:
    """Print an error: for people to stderr, for scripts to stdout."""
    if as_json:
        print_json(error_document(error))
        return
    console = _error_console()
    if isinstance(error, Interrupted):
        console.print(Text(error.message, "bold"))
    else:
        console.print(Text.assemble(("error:", "bold red"), " ", error.message))
    if error.hint:
        console.print(Text.assemble(("hint:", "bold"), " ", error.hint))


def error_document(error: AudiomnistError) -> dict[str, Any]:
    """Return what a script is told of an error."""
    return {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}


@contextmanager
def progress(task: str, unit: str, *, quiet: bool) -> Iterator[ProgressCallback]:
    """Show how a task goes: a bar on a terminal, one line at the end elsewhere, nothing if there was nothing to do."""
    console = chatter_console(quiet)
    started = time.perf_counter()
    reached = 0

    def summary() -> None:
        if reached:
            seconds = time.perf_counter() - started
            console.print(f"{task}: {reached:,} {unit} in {seconds:.1f} s ({reached / seconds:,.0f}/s)")

    if not console.is_terminal or quiet:

        def count(done: int, total: int | None) -> None:
            nonlocal reached
            reached = done

        yield count
        summary()
        return

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        identity = bar.add_task(task, total=None, visible=False)

        def show(done: int, total: int | None) -> None:
            nonlocal reached
            reached = done
            bar.update(identity, completed=done, total=total, visible=True)

        yield show
    summary()


@contextmanager
def byte_progress(*, quiet: bool) -> Iterator[ProgressCallback]:
    """Show bytes done, rate and remaining time on a terminal; nothing elsewhere. A count that falls starts anew."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = chatter_console(quiet)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        identity = bar.add_task("", total=None)
        reached = 0

        def show(done: int, total: int | None) -> None:
            nonlocal reached
            if done < reached:
                bar.reset(identity)
            reached = done
            bar.update(identity, completed=done, total=total)

        yield show


class EpochLines:
    """One line per finished epoch, and on a terminal a bar below them."""

    def __init__(self, epochs: int, *, quiet: bool) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._console = chatter_console(quiet)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=epochs)

    def __enter__(self) -> "EpochLines":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def epoch_ended(self, record: "EpochRecord", trainer: "Trainer") -> None:
        """Print this epoch's line."""
        self._bar.update(self._task, completed=record.epoch)
        self._print("", record)

    def fold_epoch_ended(self, fold: int, record: "EpochRecord") -> None:
        """Print the line of a fold's epoch; several folds may be under way."""
        self._bar.advance(self._task)
        self._print(f"fold {fold}  ", record)

    def _print(self, label: str, record: "EpochRecord") -> None:
        self._console.print(
            f"{label}epoch {record.epoch:>2}/{record.epochs}  train loss {record.train_loss:.3f}  "
            f"{record.watched} loss {record.loss:.3f}  accuracy {record.accuracy:.4f}  "
            f"{record.clips_per_second:,.0f} clips/s",
        )
