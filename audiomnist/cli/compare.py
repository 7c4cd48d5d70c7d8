"""``audiomnist compare``: two runs or more side by side, and whether they really differ."""

import hashlib
import json as json_format
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from audiomnist.cli import options
from audiomnist.cli.output import print_json, result_console
from audiomnist.cli.tables import print_wide, side_by_side
from audiomnist.errors import UsageError
from audiomnist.files import home, write_text

if TYPE_CHECKING:
    from audiomnist.runs.results import Difference

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
    from audiomnist.reports.curves import curves_figure
    from audiomnist.reports.figures import save_figure

    if len(runs) < 2:
        raise UsageError("one run is nothing to compare", "name two or more; see which there are: audiomnist runs")
    tested = open_tested(runs)
    differences = against_first({one.name: one.predictions for one in tested})
    destination = out or home() / "comparisons" / _folder_name([one.name for one in tested])
    figures = [one.figures() for one in tested]
    document = {
        "runs": [
            {"name": one.name, "path": str(one.folder.path), **found}
            for one, found in zip(tested, figures, strict=True)
        ],
        "settings": differing_settings(tested),
        "differences": [difference.plain() for difference in differences],
        "cautions": cautions(tested),
        "out": str(destination),
    }
    save_figure(curves_figure(tested), destination / "curves.png")
    write_text(destination / "compare.json", json_format.dumps(document, indent=1, allow_nan=False) + "\n")
    if json:
        print_json(document)
    else:
        _print(document, figures, differences)


def _folder_name(names: Sequence[str]) -> str:
    """Return the names as the name of a folder, cut with a hash of the whole if it is too long for one."""
    joined = "-vs-".join(names).replace("/", "-")
    if len(joined.encode()) <= _LONGEST_NAME:
        return joined
    start = joined.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{start}-{hashlib.sha256(joined.encode()).hexdigest()[:8]}"


def _print(
    document: Mapping[str, Any], figures: list[dict[str, float | str | None]], differences: "list[Difference]"
) -> None:
    console = result_console()
    names = [run["name"] for run in document["runs"]]
    settings = {key: [_setting(value) for value in values] for key, values in document["settings"].items()}
    if settings:
        print_wide(console, side_by_side("settings that differ", names, settings))
    else:
        console.print("the settings are the same")
    rows = {key: [found[key] for found in figures] for key in figures[0]}
    known = {
        key.replace("_", " "): [_figure(key, value) for value in values]
        for key, values in rows.items()
        if any(value is not None for value in values)
    }
    print_wide(console, side_by_side("figures, each on all its own test clips", names, known))
    for caution in document["cautions"]:
        console.print(Text.assemble(("caution:", "yellow"), f" {caution}"))
    for difference in differences:
        console.print(Text(difference.verdict, "bold"))
        console.print(f"  {_shared(difference)}")
    if len(differences) > 1:
        console.print(f"p values are Holm's, for {len(differences)} comparisons")
    console.print(f"written to {document['out']} (compare.json, curves.png)")


def _shared(difference: "Difference") -> str:
    left_out = difference.n_contradicting
    return (
        f"on the {difference.n_shared:,} clips that both tested: {difference.first} {difference.accuracy_first:.4f}, "
        f"{difference.second} {difference.accuracy_second:.4f}; right alone: {difference.only_first:,} and "
        f"{difference.only_second:,}" + (f"; {left_out:,} clips with different labels left out" if left_out else "")
    )


def _setting(value: Any) -> str:
    return value if isinstance(value, str) else json_format.dumps(value)


def _figure(key: str, value: float | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if key == "train_seconds" else f"{value:.4f}"
