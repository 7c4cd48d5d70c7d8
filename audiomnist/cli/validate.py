"""``audiomnist validate``: find what is wrong with a corpus before it is trained on."""

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import print_json, progress, result_console, say, say_commands
from audiomnist.errors import DataError, command, count

if TYPE_CHECKING:
    from audiomnist.corpus.listing import Finding
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

    Names, headers and sizes are checked in seconds; --deep decodes every clip. Exit code 3 means that there are errors:
    clips that cannot be used, or nothing to train on.
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
        _print(validation)
        if not deep:
            say_commands(
                result_console(), "next, to decode every clip", command("audiomnist validate --deep --data", place)
            )
    raise typer.Exit(exit_code)


def _print(validation: "Validation") -> None:
    """Print what is wrong with a corpus: by kind how often, and the first of each."""
    console = result_console()
    ordered = sorted(validation.findings, key=_severity_and_kind)
    for (severity, kind), group in groupby(ordered, key=_severity_and_kind):
        findings = list(group)
        found = count(len(findings), severity)
        say(console, (found, "red" if severity == "error" else "yellow"), ": ", (kind, "bold"))
        for finding in findings[:_SHOWN]:
            say(console, f"  {finding.path}: {finding.detail}")
    if ordered:
        say(console, "see all of them with --json")
    n_errors = len(validation.errors)
    errors = (count(n_errors, "error"), "bold red" if n_errors else "green")
    warnings = count(len(validation.findings) - n_errors, "warning")
    say(console, f"{count(validation.n_clips, 'clip')}: ", errors, f", {warnings}")


def _severity_and_kind(finding: "Finding") -> tuple[str, str]:
    return finding.severity, finding.kind
