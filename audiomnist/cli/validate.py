"""``audiomnist validate``: find what is wrong with a corpus before it is trained on."""

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from audiomnist.cli import options
from audiomnist.cli.output import print_json, progress, result_console
from audiomnist.errors import DataError, command

if TYPE_CHECKING:
    from audiomnist.corpus.validation import Validation

_SHOWN = 3


def validate(
    data: options.Data = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Decode every clip: find silence, clipping, NaN and duplicates.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    jobs: options.Jobs = None,
) -> None:
    """Find what is wrong with a corpus before training on it.

    Names, headers and sizes take seconds; --deep decodes every clip. Exit code 3 means that training would fail.
    """
    from audiomnist.corpus.places import locate
    from audiomnist.corpus.validation import validate as check
    from audiomnist.experiments.settings import resolve

    place = resolve(data=data).data
    path = locate(place)
    with progress("validate", "clips", quiet=quiet or json) as show:
        validation = check(path, deep=deep, jobs=jobs, progress=show)
    n_errors = len(validation.errors)
    exit_code = DataError.exit_code if n_errors else 0
    if json:
        print_json(
            {
                "data": place,
                "path": path,
                "deep": deep,
                "clips": validation.n_clips,
                "errors": n_errors,
                "warnings": len(validation.findings) - n_errors,
                "findings": [finding.__dict__ for finding in validation.findings],
                "exit_code": exit_code,
            }
        )
    else:
        _print(validation, place, deep)
    raise typer.Exit(exit_code)


def _print(validation: "Validation", place: str, deep: bool) -> None:
    console = result_console()
    n_errors = len(validation.errors)
    n_warnings = len(validation.findings) - n_errors
    if validation.findings:
        console.print(_table(validation))
        console.print("all of them: --json")
    verdict = Text(f"{validation.n_clips:,} clips: ")
    verdict.append(f"{n_errors:,} errors", "bold red" if n_errors else "green").append(f", {n_warnings:,} warnings")
    console.print(verdict)
    if not deep:
        console.print(f"next, also every sample: {command('audiomnist validate --deep --data', place)}")


def _table(validation: "Validation") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("kind", style="bold", no_wrap=True)
    table.add_column("severity")
    table.add_column("count", justify="right")
    table.add_column("the first of them", overflow="fold")
    ordered = sorted(validation.findings, key=lambda finding: (finding.severity, finding.kind))
    for (severity, kind), group in groupby(ordered, key=lambda finding: (finding.severity, finding.kind)):
        findings = list(group)
        shown = "\n".join(f"{finding.path}: {finding.detail}" for finding in findings[:_SHOWN])
        colour = "red" if severity == "error" else "yellow"
        table.add_row(kind, Text(severity, colour), f"{len(findings):,}", Text(shown))
    return table
