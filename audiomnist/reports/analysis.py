"""What is in a corpus, as a page, figures and a document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from audiomnist.corpus.scan import CLASSES
from audiomnist.errors import count
from audiomnist.evaluation.analysis import Analysis
from audiomnist.evaluation.analysis.summary import Counts, Summary
from audiomnist.files import write_text
from audiomnist.reports import analysis_figures as draw
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.pages import page
from audiomnist.reports.sentences import Number
from audiomnist.reports.table import Table
from audiomnist.reports.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, DOCUMENT = "report.html", "analysis.json"
_SPEAKERS_SHOWN = 12


def write_analysis(analysis: Analysis, folder: Path) -> Path:
    """Write ``report.html``, ``analysis.json`` and the figures into a folder, and return the page."""
    figures = dict(_figures(analysis))
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png")
    write_text(folder / DOCUMENT, json.dumps(analysis.as_json(), indent=1, allow_nan=False) + "\n")
    summary, spectra = analysis.summary, analysis.spectra
    html = page(
        "analysis.html.j2",
        analysis=analysis,
        numbers=numbers(summary),
        lengths=lengths(summary),
        signals=signals(summary),
        figures=figures,
        speaker=spectra.by_digit[0].speaker,
        common=CLASSES[spectra.by_speaker[0].digit],
    )
    write_text(folder / PAGE, html)
    return folder / PAGE


def _figures(analysis: Analysis) -> Iterator[tuple[str, Figure]]:
    measured, spectra, summary = analysis.measured, analysis.spectra, analysis.summary
    yield "lengths", draw.lengths_figure(measured, analysis.cuts, analysis.whole_ms)
    yield "length_by_digit", draw.length_by_digit_figure(measured)
    yield "counts", draw.counts_figure(summary.counts)
    if summary.speakers_by:
        yield "speakers", draw.speakers_figure(summary.speakers_by)
    yield "levels", draw.levels_figure(measured)
    yield "silence", draw.silence_figure(measured)
    yield "mean_mel", draw.mean_mel_figure(spectra)
    yield "digits", draw.gallery_figure(spectra, spectra.by_digit)
    yield "voices", draw.gallery_figure(spectra, spectra.by_speaker, by_speaker=True)
    yield "mfcc", draw.gallery_figure(spectra, spectra.by_digit, mfcc=True)


def numbers(summary: Summary) -> list[Number]:
    """Return the main numbers of a corpus."""
    formats = summary.formats
    return [
        Number("clips", f"{summary.clips:,}", f"{count(round(summary.seconds / 60), 'minute')} in all"),
        Number("speakers", f"{summary.speakers:,}", "different voices"),
        Number("median length", f"{summary.length_ms.median:,.0f} ms", "half of the clips are longer"),
        Number("sample rate", *_of_format(formats["sample_rate"], "Hz")),
        Number("channels", *_of_format(formats["channels"])),
        Number("bit depth", *_of_format(formats["bit_depth"])),
    ]


def counts(summary: Summary) -> Table:
    """Return what there is how often."""
    rows = [(each.name, f"{each.value} ({each.meaning})") for each in numbers(summary)]
    for name, values in summary.counts.items():
        least, most = min(values.values()), max(values.values())
        if least < most and len(values) <= _SPEAKERS_SHOWN:
            text = ", ".join(f"{value}: {n:,}" for value, n in values.items())
        else:
            clips = count(least, "clip") if least == most else f"{least:,} to {most:,} clips"
            text = f"{count(len(values), 'value')}, {clips} each"
        rows.append((f"by {name}", text))
    return Table("corpus", ("", ""), tuple(rows))


def lengths(summary: Summary) -> Table:
    """Return the lengths by digit."""
    columns = ("mean", "min", "p1", "median", "p99", "max")
    rows = [
        (name, *(f"{getattr(of, column):,.0f}" for column in columns))
        for name, of in (*summary.length_ms_by_digit.items(), ("all", summary.length_ms))
    ]
    return Table("Length by digit (ms)", ("digit", *columns), tuple(rows), "p1 and p99: 1 % and 99 % are shorter.")


def signals(summary: Summary, shown: int | None = None) -> Table:
    """Return the levels by speaker, the highest noise floor first; what is zero throughout is left out."""
    ordered = sorted(summary.signal_by_speaker.items(), key=lambda item: -item[1].noise_floor_db)[:shown]
    of_all = [of for _, of in ordered]
    columns = {
        "speaker": [speaker for speaker, _ in ordered],
        "RMS": [number(of.rms_db, 1) for of in of_all],
        "peak": [number(of.peak_db, 1) for of in of_all],
        "noise": [number(of.noise_floor_db, 1) for of in of_all],
        "clipped": [f"{of.clipped_clips:,}" for of in of_all],
        "DC": [number(100 * of.dc_offset, 2) for of in of_all],
        "lead": [f"{of.leading_ms:.0f}" for of in of_all],
        "trail": [f"{of.trailing_ms:.0f}" for of in of_all],
    }
    n_more = len(summary.signal_by_speaker) - len(ordered)
    more = f" ({n_more:,} more in the report)" if n_more else ""
    note = (
        "Medians: RMS, peak and noise floor in dB of full scale, clips with clipping, DC offset in % of full scale, "
        "silence before and after the word in ms. What is zero throughout is left out."
    )
    shown_columns = {name: cells for name, cells in columns.items() if {*cells} - {"0", "0.00"}}
    return Table.of_columns(f"Sound by speaker, noisiest first{more}", shown_columns, note)


def _of_format(of: Counts, unit: str = "") -> tuple[str, str]:
    """Return the commonest value, and how many clips have it."""
    value, n = max(of.items(), key=lambda item: item[1])
    others = "" if len(of) == 1 else "; " + ", ".join(f"{name}: {n:,}" for name, n in of.items() if name != value)
    shown = f"{int(value):,}" if value.isdecimal() else value
    return f"{shown} {unit}".strip(), f"{'all' if len(of) == 1 else f'{n:,}'} clips{others}"
