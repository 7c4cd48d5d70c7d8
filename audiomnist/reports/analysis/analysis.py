"""The analysis of a corpus, from its clips to the folder that holds the page, the pictures and the figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomnist.config import Features
from audiomnist.corpus.scan import CLASSES, Corpus
from audiomnist.evaluation.analysis.clips import ClipFigures, Progress, measure_clips
from audiomnist.evaluation.analysis.conclusions import Conclusion, conclude
from audiomnist.evaluation.analysis.spectra import CLIPS_PER_DIGIT, Spectra, compute_spectra
from audiomnist.evaluation.analysis.summary import summarise
from audiomnist.files import atomic_path, write_text
from audiomnist.reports.analysis import clip_figures, spectrum_figures
from audiomnist.reports.analysis.page import page
from audiomnist.reports.drawing import DARK, LIGHT, Theme, draw_png
from audiomnist.reports.html import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, FIGURES = "report.html", "analysis.json"


@dataclass(frozen=True)
class Analysis:
    """What was found out about a corpus.

    Attributes
    ----------
    summary : dict
        Counts, formats, lengths, levels; see ``summarise``.
    """

    name: str
    figures: ClipFigures
    spectra: Spectra
    summary: dict[str, Any]
    conclusions: tuple[Conclusion, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything for programs."""
        conclusions = {each.topic: {"text": each.text, **each.figures} for each in self.conclusions}
        mean_db = {
            digit: row.round(2).tolist()
            for digit, row in zip(CLASSES, self.spectra.mean_db, strict=True)
            if row[0] == row[0]
        }
        mel = {"band_hz": self.spectra.band_hz.round(1).tolist(), "mean_db": mean_db}
        return {"name": self.name, **self.summary, "conclusions": conclusions, "mel": mel}

    def save(self, folder: Path) -> None:
        """Write ``report.html``, ``analysis.json`` and the pictures into a folder."""
        pictures = []
        for name, title, caption, draw in self._pictures():
            light, dark = (draw_png(draw, theme) for theme in (LIGHT, DARK))
            pictures.append(Picture(name, title, caption, light, dark))
            with atomic_path(folder / f"{name}.png") as temporary:
                temporary.write_bytes(light)
        write_text(folder / FIGURES, json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n")
        write_text(folder / PAGE, page(self.name, self.summary, self.conclusions, pictures))

    def _pictures(self) -> list[tuple[str, str, str, Callable[[Theme], Figure]]]:
        facts = {conclusion.topic: conclusion.figures for conclusion in self.conclusions}
        windows_ms = {name: cut["clip_ms"] for name, cut in facts["cuts"].items()}
        spoken = self.spectra.by_digit[0].speaker
        common = CLASSES[self.spectra.by_speaker[0].digit]
        pictures: list[tuple[str, str, str, Callable[[Theme], Figure]]] = [
            (
                "lengths",
                "Lengths",
                "How long clips are. A window to the left of a clip's length cuts it.",
                partial(clip_figures.lengths_figure, self.figures, windows_ms, facts["clip_length"]["clip_ms"]),
            ),
            (
                "length_by_digit",
                "Length by digit",
                "Points are clips, boxes their quartiles; the means are written below.",
                partial(clip_figures.length_by_digit_figure, self.figures),
            ),
            (
                "counts",
                "Clips",
                "How many there are of each kind.",
                partial(clip_figures.counts_figure, self.summary),
            ),
            (
                "levels",
                "Levels by speaker",
                "The noise floor is the quietest tenth of a clip's 10 ms frames; a clip has clipping if three samples "
                "in a row stand at full scale.",
                partial(clip_figures.levels_figure, self.figures),
            ),
            (
                "silence",
                "Silence around the word",
                "Frames of 10 ms more than 35 dB below the clip's loudest count as silence.",
                partial(clip_figures.silence_figure, self.figures),
            ),
            (
                "mean_mel",
                "Mean mel spectrum",
                f"Of {CLIPS_PER_DIGIT} clips of each digit at most, drawn by a fixed seed.",
                partial(spectrum_figures.mean_mel_figure, self.spectra),
            ),
            (
                "digits",
                f"Each digit by {spoken}",
                "Mel spectrograms as the network sees them, before its normalisation; 80 dB from black to bright.",
                partial(spectrum_figures.digits_figure, self.spectra),
            ),
            (
                "voices",
                f'"{common}" by different speakers',
                "The same mel spectrogram; what differs from voice to voice is what a recogniser must overlook.",
                partial(spectrum_figures.speakers_spectra_figure, self.spectra),
            ),
            (
                "mfcc",
                f"MFCCs of each digit by {spoken}",
                "Mel-frequency cepstral coefficients 1 to 19, each in standard deviations from its mean (blue below, "
                "red above); the 0th is left out, it is loudness alone.",
                partial(spectrum_figures.mfcc_figure, self.spectra),
            ),
        ]
        if self.summary["speakers_by"]:
            draw = partial(clip_figures.speakers_figure, self.summary["speakers_by"])
            pictures.insert(3, ("speakers", "Speakers", "What the metadata says of them; each counts once.", draw))
        return pictures


def analyze(corpus: Corpus, name: str, *, jobs: int | None = None, progress: Progress | None = None) -> Analysis:
    """Measure every clip of a corpus, look at some of them in mel bands, and draw conclusions.

    Parameters
    ----------
    name : str
        Heading of the page.
    jobs : int, optional
        Threads; one per core by default.
    progress : callable, optional
        Called with the clips done and the clips in all.

    Raises
    ------
    DataError
        If no clip can be read.
    """
    features = Features()
    figures = measure_clips(corpus, jobs=jobs, progress=progress)
    spectra = compute_spectra(figures.corpus, figures.sample_rates, features)
    conclusions = conclude(figures, features, spectra.empty_bands)
    return Analysis(name, figures, spectra, summarise(figures), conclusions)
