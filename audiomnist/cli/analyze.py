"""``audiomnist analyze``: see what is in a corpus before training on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audiomnist.cli import options
from audiomnist.cli.output import chatter_console, print_json, progress, result_console
from audiomnist.cli.session import open_corpus, place_name
from audiomnist.files import home

if TYPE_CHECKING:
    from audiomnist.reports.analysis import Analysis

_SPEAKERS_SHOWN = 12
_LENGTHS = ("mean", "min", "p1", "median", "p99", "max")
_SIGNAL = {
    "rms_db": ("RMS dB", ".1f"),
    "peak_db": ("peak dB", ".1f"),
    "noise_floor_db": ("noise floor dB", ".1f"),
    "clipped_clips": ("clipped clips", ",d"),
    "dc_offset": ("DC offset", ".4f"),
    "leading_ms": ("lead ms", ".0f"),
    "trailing_ms": ("trail ms", ".0f"),
}


def analyze(
    data: options.Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report. (default: analysis/<corpus>)", show_default=False, metavar="DIR"),
    ] = None,
    exclude_file: options.ExcludeFile = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    jobs: options.Jobs = None,
) -> None:
    """Look at every clip of a corpus: a report with pictures, and what follows for training."""
    from audiomnist.reports.analysis import analyze as look_at

    place = options.resolve(None, None, None, data=data).data
    corpus = open_corpus(place, exclude_file=exclude_file, quiet=quiet or json)
    name = place_name(place)
    folder = out or home() / "analysis" / name
    with progress("analyze", "clips", quiet=quiet or json) as show:
        analysis = look_at(corpus, name, jobs=jobs, progress=show)
    chatter_console(quiet or json).print("drawing")
    analysis.save(folder)
    if json:
        print_json({"data": place, "out": folder, "report": folder / "report.html", **analysis.as_json()})
        return
    _print(result_console(), analysis)
    result_console().print(f"report: {folder / 'report.html'} (pictures and analysis.json beside it)")


def _print(console: Console, analysis: "Analysis") -> None:
    summary = analysis.summary
    console.print(_counts(summary))
    console.print(_lengths(summary))
    console.print(_signals(summary))
    if summary["unreadable"]:
        shown = "\n".join(f"  {fault}" for fault in summary["unreadable"][:_SPEAKERS_SHOWN])
        console.print(f"left out, {len(summary['unreadable']):,} clips that cannot be read:\n{shown}\n")
    console.print(Text("what follows for training", "bold"))
    for conclusion in analysis.conclusions:
        colour = "yellow" if conclusion.matters else "green"
        console.print(Text.assemble("  ", (conclusion.heading, colour), f": {conclusion.text}"))
    console.print()


def _counts(summary: dict[str, Any]) -> Table:
    from audiomnist.reports.analysis.page import format_names

    table = _table("corpus", "", "")
    table.columns[1].justify = "left"
    table.add_row("clips", f"{summary['clips']:,} of {summary['speakers']:,} speakers, {summary['seconds']:,.0f} s")
    for name, text in format_names(summary).items():
        table.add_row(name, text)
    for name, counts in summary["counts"].items():
        if len(counts) <= _SPEAKERS_SHOWN:
            table.add_row(f"per {name}", ", ".join(f"{value}: {count:,}" for value, count in counts.items()))
        else:
            least, most = min(counts.values()), max(counts.values())
            table.add_row(f"per {name}", f"{len(counts)} of them, {least:,} to {most:,} clips each")
    return table


def _lengths(summary: dict[str, Any]) -> Table:
    table = _table("length (ms)", "digit", *_LENGTHS)
    for name, values in (*summary["length_ms_by_digit"].items(), ("all", summary["length_ms"])):
        table.add_row(name, *(f"{values[column]:,.0f}" for column in _LENGTHS))
    return table


def _signals(summary: dict[str, Any]) -> Table:
    speakers = sorted(summary["signal_by_speaker"].items(), key=lambda item: item[1]["noise_floor_db"], reverse=True)
    hidden = len(speakers) - _SPEAKERS_SHOWN
    title = "sound by speaker, medians, noisiest first" + (f" ({hidden} more in the report)" if hidden > 0 else "")
    table = _table(title, "speaker", *(heading for heading, _ in _SIGNAL.values()))
    for speaker, values in speakers[:_SPEAKERS_SHOWN]:
        table.add_row(Text(speaker), *(format(values[key], spec) for key, (_, spec) in _SIGNAL.items()))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", style="bold" if not number else "")
    return table
