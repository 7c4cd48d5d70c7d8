"""``audiomnist compare``: two runs or more side by side, and whether they really differ."""

import hashlib
import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from audiomnist.cli import options
from audiomnist.cli.output import print_json, result_console
from audiomnist.cli.printing import print_comparison
from audiomnist.errors import UsageError
from audiomnist.files import home, write_text

_LONGEST_NAME = 120


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Train runs, cross validations, or folders in RUN/evaluations; each is compared with the first.",
            metavar="RUN RUN...",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the result. (default: comparisons/<names>)", show_default=False, metavar="DIR"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare runs: settings, figures, learning curves, and whether one is really better than the first."""
    from audiomnist.evaluation.comparison import against_first
    from audiomnist.evaluation.tested import cautions, differing_settings, open_tested
    from audiomnist.reports.facts import read_history
    from audiomnist.reports.figures import curves_figure, save_figure
    from audiomnist.runs.results import ComparedRun, Comparison

    if len(runs) < 2:
        raise UsageError("one run is nothing to compare", "name two or more; see which there are: audiomnist runs")
    tested = open_tested(runs)
    differences = against_first({one.name: one.predictions for one in tested})
    destination = out or home() / "comparisons" / _folder_name([one.name for one in tested])
    numbers = [one.figures() for one in tested]
    document: dict[str, Any] = {
        "runs": [
            {"name": one.name, "path": str(one.folder.path), **found}
            for one, found in zip(tested, numbers, strict=True)
        ],
        "settings": differing_settings(tested),
        "differences": [difference.plain() for difference in differences],
        "cautions": cautions(tested),
        "out": str(destination),
    }
    save_figure(
        curves_figure({one.name: [read_history(run) for run in one.trained] for one in tested}),
        destination / "curves.png",
    )
    write_text(destination / "compare.json", json_format.dumps(document, indent=1, allow_nan=False) + "\n")
    if json:
        print_json(document)
        return
    compared = tuple(ComparedRun.model_construct(**run) for run in document["runs"])
    print_comparison(
        result_console(),
        Comparison.model_construct(**{**document, "runs": compared, "differences": tuple(differences)}),
    )


def _folder_name(names: Sequence[str]) -> str:
    """Return the names as the name of a folder, cut with a hash of the whole if it is too long for one."""
    joined = "-vs-".join(names).replace("/", "-")
    if len(joined.encode()) <= _LONGEST_NAME:
        return joined
    start = joined.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{start}-{hashlib.sha256(joined.encode()).hexdigest()[:8]}"
