"""``audiomnist report``: a page about a run, with figures and sound, and a model card."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, print_json, result_console


def report(
    run: Annotated[
        Path | None,
        typer.Argument(
            help="Run folder of a training or a cross validation. (default: the newest training)", metavar="RUN"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report. (default: RUN)", metavar="DIR")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a page about a run, with its mistakes to listen to, and a model card."""
    from audiomnist.cli.printing import print_report
    from audiomnist.experiments.report import report as write

    written = write(run, out, progress=ConsoleProgress(quiet=quiet or json))
    if json:
        print_json(written.as_json())
    else:
        print_report(result_console(), written)
