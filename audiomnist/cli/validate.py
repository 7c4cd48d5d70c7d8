"""``audiomnist validate``: find what is wrong with a corpus before it is trained on."""

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import print_json, progress, result_console
from audiomnist.cli.printing import print_table, say
from audiomnist.errors import DataError, command
from audiomnist.reports.table import Table

if TYPE_CHECKING:
    from audiomnist.corpus.validation import Validation

_SHOWN = 3
_COLOURS = {"error": "red", "warning": "yellow"}


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
    if validation.findings:
        table = _table(validation)
        print_table(console, table, style=lambda row, _: _COLOURS.get(table.rows[row][1], ""))
    colour = "bold red" if n_errors else "green"
    warnings = f", {len(validation.findings) - n_errors:,} warnings"
    say(console, f"{validation.n_clips:,} clips: ", (f"{n_errors:,} errors", colour), warnings)
    if not deep:
        say(console, f"next, also every sample: {command('audiomnist validate --deep --data', place)}")


def _table(validation: "Validation") -> Table:
    """Return the findings by kind: how many, and the first of them."""
    rows = []
    ordered = sorted(validation.findings, key=lambda finding: (finding.severity, finding.kind))
    for (severity, kind), group in groupby(ordered, key=lambda finding: (finding.severity, finding.kind)):
        findings = [f"{finding.path}: {finding.detail}" for finding in group]
        rows.append((kind, severity, f"{len(findings):,}", findings[0]))
        rows += [("", "", "", further) for further in findings[1:_SHOWN]]
    columns = ("kind", "severity", "count", "the first of them")
    return Table("Findings by kind; all of them: --json", columns, tuple(rows))
