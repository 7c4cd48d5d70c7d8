"""What is in a corpus, as a page, figures and a document for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiomnist.corpus.scan import CLASSES
from audiomnist.evaluation.analysis import Analysis
from audiomnist.evaluation.analysis.spectra import CLIPS_PER_DIGIT
from audiomnist.evaluation.analysis.summary import Counts, Summary
from audiomnist.files import write_text
from audiomnist.reports import analysis_figures as draw
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.pages import Picture, page
from audiomnist.reports.sentences import Number
from audiomnist.reports.table import Table
from audiomnist.reports.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, DOCUMENT = "report.html", "analysis.json"
_SPEAKERS_SHOWN = 12


@dataclass(frozen=True)
class Section:
    """A part of the page: figures, and tables below them."""

    name: str
    heading: str
    figures: tuple[Picture, ...]
    tables: tuple[Table, ...] = ()


def write_analysis(analysis: Analysis, folder: Path) -> Path:
    """Write ``report.html``, ``analysis.json`` and the figures into a folder, and return the page."""

    def picture(name: str, title: str, caption: str, figure: Callable[[], Figure]) -> Picture:
        drawn = figure()
        save_figure(drawn, folder / f"{name}.png")
        return Picture.of(drawn, title, caption)

    measured, spectra, summary = analysis.measured, analysis.spectra, analysis.summary
    sections = [
        Section(
            "lengths",
            "Lengths",
            (
                picture(
                    "lengths",
                    "Lengths",
                    "How long clips are. A window to the left of a clip's length cuts it.",
                    lambda: draw.lengths_figure(measured, analysis.cuts, analysis.whole_ms),
                ),
                picture(
                    "length_by_digit",
                    "Length by digit",
                    "Points are clips, boxes their quartiles.",
                    lambda: draw.length_by_digit_figure(measured),
                ),
            ),
            (lengths(summary),),
        ),
        Section(
            "clips",
            "Clips and speakers",
            (
                picture(
                    "counts", "Clips", "How many there are of each kind.", lambda: draw.counts_figure(summary.counts)
                ),
                *(
                    [
                        picture(
                            "speakers",
                            "Speakers",
                            "What the metadata says of them; each counts once.",
                            lambda: draw.speakers_figure(summary.speakers_by),
                        )
                    ]
                    if summary.speakers_by
                    else []
                ),
            ),
        ),
        Section(
            "sound",
            "Levels and silence",
            (
                picture(
                    "levels",
                    "Levels by speaker",
                    "The noise floor is the quietest tenth of a clip's 10 ms frames. A clip has clipping if three "
                    "samples in a row stand at full scale. What is zero throughout is not drawn.",
                    lambda: draw.levels_figure(measured),
                ),
                picture(
                    "silence",
                    "Silence around the word",
                    "Frames of 10 ms more than 35 dB below the clip's loudest count as silence.",
                    lambda: draw.silence_figure(measured),
                ),
            ),
            (signals(summary),),
        ),
        Section(
            "spectra",
            "Spectra",
            (
                picture(
                    "mean_mel",
                    "Mean mel spectrum",
                    f"Of {CLIPS_PER_DIGIT} clips of each digit at most, sampled with a fixed seed.",
                    lambda: draw.mean_mel_figure(spectra),
                ),
                picture(
                    "digits",
                    f"Each digit by {spectra.by_digit[0].speaker}",
                    "Mel spectrograms as the network gets them, before its normalisation; 80 dB from black to bright.",
                    lambda: draw.digits_figure(spectra),
                ),
                picture(
                    "voices",
                    f'"{CLASSES[spectra.by_speaker[0].digit]}" by different speakers',
                    "The same mel spectrogram; a recogniser has to overlook what differs from speaker to speaker.",
                    lambda: draw.speakers_spectra_figure(spectra),
                ),
                picture(
                    "mfcc",
                    f"MFCCs of each digit by {spectra.by_digit[0].speaker}",
                    "Mel-frequency cepstral coefficients 1 to 19, in standard deviations from the mean (blue below, "
                    "red above). The 0th is left out; it is loudness alone.",
                    lambda: draw.mfcc_figure(spectra),
                ),
            ),
        ),
    ]
    write_text(folder / DOCUMENT, json.dumps(analysis.as_json(), indent=1, allow_nan=False) + "\n")
    html = page(
        "analysis.html.j2",
        name=analysis.name,
        numbers=numbers(summary),
        conclusions=analysis.conclusions,
        sections=sections,
        contents=[("conclusions", "What follows"), *((section.name, section.heading) for section in sections)],
        unreadable=summary.unreadable,
    )
    write_text(folder / PAGE, html)
    return folder / PAGE


def numbers(summary: Summary) -> list[Number]:
    """Return the main numbers of a corpus."""
    formats = summary.formats
    return [
        Number("clips", f"{summary.clips:,}", f"{summary.seconds / 60:,.0f} minutes in all"),
        Number("speakers", f"{summary.speakers:,}", "different voices"),
        Number("median length", f"{summary.length_ms.median:,.0f} ms", "half of the clips are longer"),
        Number("sample rate", *_of_format(formats.sample_rate, "Hz")),
        Number("channels", *_of_format(formats.channels)),
        Number("bit depth", *_of_format(formats.bit_depth)),
    ]


def counts(summary: Summary) -> Table:
    """Return what there is how often."""
    rows = [(each.name, f"{each.value} ({each.meaning})") for each in numbers(summary)]
    for name, values in summary.counts.items():
        least, most = min(values.values()), max(values.values())
        if least == most:
            text = f"{least:,} clips of each of {len(values)}"
        elif len(values) <= _SPEAKERS_SHOWN:
            text = ", ".join(f"{value}: {n:,}" for value, n in values.items())
        else:
            text = f"{least:,} to {most:,} clips of each of {len(values)}"
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
    """Return the levels by speaker, the highest noise floor first."""
    ordered = sorted(summary.signal_by_speaker.items(), key=lambda item: -item[1].noise_floor_db)
    cells: dict[str, list[str]] = {"speaker": [speaker for speaker, _ in ordered[:shown]]}
    signals = [of for _, of in ordered[:shown]]
    cells["RMS"] = [number(of.rms_db, 1) for of in signals]
    cells["peak"] = [number(of.peak_db, 1) for of in signals]
    cells["noise"] = [number(of.noise_floor_db, 1) for of in signals]
    cells["clipped"] = [f"{of.clipped_clips:,}" for of in signals]
    cells["DC"] = [number(100 * of.dc_offset, 2) for of in signals]
    cells["lead"] = [f"{of.leading_ms:.0f}" for of in signals]
    cells["trail"] = [f"{of.trailing_ms:.0f}" for of in signals]
    told = {name: values for name, values in cells.items() if {*values} - {"0", "0.00"}}
    rows = tuple(zip(*told.values(), strict=True))
    more = f" ({len(ordered) - len(rows):,} more in the report)" if len(rows) < len(ordered) else ""
    note = (
        "Medians: RMS, peak and noise floor in dB of full scale, clips with clipping, DC offset in % of full scale, "
        "silence before and after the word in ms. What is zero throughout is left out."
    )
    return Table(f"Sound by speaker, noisiest first{more}", tuple(told), rows, note)


def _of_format(of: Counts, unit: str = "") -> tuple[str, str]:
    """Return the commonest value, and how many clips have it."""
    value, n = max(of.items(), key=lambda item: item[1])
    others = "" if len(of) == 1 else "; " + ", ".join(f"{name}: {n:,}" for name, n in of.items() if name != value)
    return f"{value} {unit}".strip(), f"{'all' if len(of) == 1 else f'{n:,}'} clips{others}"
