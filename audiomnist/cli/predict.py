"""``audiomnist predict``: say which digits are spoken."""

import csv
import json as jsons
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import message_console, progress
from audiomnist.errors import DataError, UsageError
from audiomnist.inference.answers import Answer, Spoken

if TYPE_CHECKING:
    from audiomnist.inference.recognizer import Recognizer

    Outcome = Answer | Spoken | DataError  # or what is wrong with the file

_PROGRESS_EVERY = 64


def predict(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Recordings, folders of them, or - for standard input.", metavar="PATH..."),
    ] = None,
    model: options.Model = "digits",
    segment: Annotated[
        bool, typer.Option("--segment", help="Find several digits in a recording, with pauses between them.")
    ] = False,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Also write a table to this file.", metavar="FILE")
    ] = None,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Exit with 0 even if some files cannot be read.")
    ] = False,
    device: options.Device = "auto",
    jobs: options.Jobs = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Recognise the digits in recordings."""
    from audiomnist.inference.opening import open_model

    if not paths:
        raise UsageError("nothing to recognise", "name recordings or folders, or - for standard input")
    recognizer = open_model(model, device)
    message_console(quiet).print(f"model: {recognizer.name}")
    n_broken = n_done = 0
    with ExitStack() as stack:
        add_to_table = stack.enter_context(_table(csv_file, recognizer, segment=segment)) if csv_file else None
        show = stack.enter_context(progress("predict", "files", quiet=quiet or json))
        for path, outcome in _outcomes(recognizer, paths, jobs, segment=segment):
            n_done += 1
            if isinstance(outcome, DataError):
                n_broken += 1
                message_console(False).print(f"broken: {outcome.message}")
            if json:
                document = jsons.dumps(_document(path, outcome, segment=segment), allow_nan=False)
                sys.stdout.write(f"{'[' if n_done == 1 else ','}\n {document}")
            else:
                _print_line(path, outcome)
            if add_to_table:
                add_to_table(path, outcome)
            if n_done % _PROGRESS_EVERY == 0:
                show(n_done, None)
        if n_done >= _PROGRESS_EVERY:
            show(n_done, n_done)
    if json:
        sys.stdout.write("\n]\n" if n_done else "[]\n")
    if n_broken and not skip_broken:
        message_console(quiet).print(
            f"{n_broken:,} of {n_done:,} files cannot be read; with --skip-broken the exit code is 0 all the same"
        )
        raise typer.Exit(DataError.exit_code)


def _outcomes(
    recognizer: "Recognizer", paths: Sequence[str], jobs: int | None, *, segment: bool
) -> "Iterator[tuple[str, Outcome]]":
    """Yield each recording's path, as it was named or found, and what is said in it, in order."""
    from audiomnist.inference.paths import STDIN, from_stdin, recordings
    from audiomnist.inference.recognizer import tried

    with ExitStack() as stack:
        named: Iterable[Path]
        if STDIN in paths:
            if len(paths) > 1:
                raise UsageError("standard input cannot be combined with files", "name one or the other")
            named = [stack.enter_context(from_stdin(sys.stdin.buffer))]
        else:
            named = recordings(paths)
        files, read = tee(named)  # several are read before the first is answered
        if segment:
            results: Iterable[Answer | Spoken | DataError] = (tried(recognizer.segment, path) for path in read)
        else:
            stack.enter_context(recognizer.single_threaded())
            results = recognizer.stream(read, jobs=jobs)
        for outcome in results:
            yield STDIN if STDIN in paths else str(next(files)), outcome


def _print_line(path: str, result: "Outcome") -> None:
    if isinstance(result, DataError):
        return
    if isinstance(result, Spoken):
        sys.stdout.write(f"{path}: {result.digits or 'no digits'}\n")
        for one in result.segments:
            sys.stdout.write(f"  {one.start_s:8.2f} {one.end_s:8.2f}  {one.digit}  {one.probability:.3f}\n")
        return
    second, probability = result.second_guess
    if result.digit is None:
        sys.stdout.write(f"{path}: no digit (most likely {second}, {probability:.3f})\n")
    else:
        guess = f"(second guess {second}, {probability:.3f})"
        sys.stdout.write(f"{path}: {result.digit}  {result.probability:.3f}  {guess}\n")


def _document(path: str, result: "Outcome", *, segment: bool) -> dict[str, object]:
    if isinstance(result, DataError):
        rest: dict[str, object] = {"digits": None, "segments": []} if segment else {"digit": None, "probability": None}
        return {"path": path, **rest, "error": result.message}
    if isinstance(result, Spoken):
        segments = [*map(vars, result.segments)]
        return {"path": path, "digits": result.digits, "segments": segments, "seconds": result.seconds}
    second, probability = result.second_guess
    return {
        "path": path,
        "digit": result.digit,
        "probability": result.probability,
        "second_guess": {"digit": second, "probability": probability},
        "probabilities": result.probabilities,
        "seconds": result.seconds,
    }


@contextmanager
def _table(path: Path, recognizer: "Recognizer", *, segment: bool) -> "Iterator[Callable[[str, Outcome], None]]":
    """Give what writes a CSV: a row per recording, or per digit found."""
    from audiomnist.files import atomic_path

    classes = [f"p{name}" for name in recognizer.answering.classes]
    columns = ["start_s", "end_s", "digit", "probability"] if segment else ["digit", "probability", *classes, "seconds"]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", *columns, "error"])

        def write(path: str, result: "Outcome") -> None:
            if isinstance(result, DataError):
                writer.writerow([path, *[""] * len(columns), result.message])
            else:
                writer.writerows([path, *values, ""] for values in _values(result))

        yield write


def _values(result: "Answer | Spoken") -> Iterator[list[object]]:
    if isinstance(result, Spoken):
        for one in result.segments:
            yield [f"{one.start_s:.3f}", f"{one.end_s:.3f}", one.digit, f"{one.probability:.6f}"]
    else:
        every = (f"{value:.6g}" for value in result.probabilities.values())
        yield [result.digit, f"{result.probability:.6f}", *every, f"{result.seconds:.3f}"]
