"""``audiomnist compare``: two runs or more side by side, and whether they really differ."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import print_json, result_console


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Training runs, cross validations, or folders in RUN/evaluations; each is compared with the first.",
            metavar="RUN RUN...",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the result. (default: comparisons/<names>)", metavar="DIR")
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare runs, and say whether one is really better than the first.

    Shows settings that differ, results and learning curves, and tests each difference on the clips that both tested.
    """
    from audiomnist.cli.printing import print_comparison
    from audiomnist.experiments.compare import compare as compare_runs

    comparison = compare_runs(runs, out)
    if json:
        print_json(comparison.plain())
    else:
        print_comparison(result_console(), comparison)
