"""Pictures in mel bands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from audiomnist.corpus.scan import CLASSES
from audiomnist.evaluation.analysis.spectra import Example, Spectra, Spectrogram
from audiomnist.reports.drawing import Theme, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 5
_DEVIATIONS_SHOWN = 2.5
_LOWEST_DB = -60
_HZ_SHOWN = (500, 2_000, 8_000, 20_000)


def mean_mel_figure(spectra: Spectra, theme: Theme) -> Figure:
    """Draw each digit's mean mel spectrum over the mean of all digits."""
    figure = new_figure(4.4)
    panels = figure.subplots(2, _COLUMNS, sharex=True, sharey=True)
    bands = np.arange(spectra.mean_db.shape[1])
    present = spectra.mean_db[~np.isnan(spectra.mean_db[:, 0])]
    places, names = _hz_ticks(spectra)
    for digit, axes in enumerate(panels.flat):
        axes.plot(bands, present.mean(0), color=theme.third, linewidth=1, label="all digits")
        axes.plot(bands, spectra.mean_db[digit], color=theme.first, linewidth=1.6, label="this digit")
        axes.set_title(CLASSES[digit], fontweight="bold")
        axes.set_xticks(places, names, fontsize=8)
        axes.set_ylim(max(_LOWEST_DB, float(present.min())) - 2, 3)
        axes.grid()
    figure.supxlabel("mel band (middle, Hz)", fontsize=10)
    figure.supylabel("dB below the loudest band", fontsize=10)
    figure.legend(*panels.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
    return figure


def digits_figure(spectra: Spectra, theme: Theme) -> Figure:
    """Draw a mel spectrogram of each digit by one speaker."""
    return _gallery(spectra, spectra.by_digit, theme, title=lambda example: CLASSES[example.digit])


def speakers_spectra_figure(spectra: Spectra, theme: Theme) -> Figure:
    """Draw a mel spectrogram of one digit by several speakers."""
    return _gallery(spectra, spectra.by_speaker, theme, title=lambda example: example.speaker)


def mfcc_figure(spectra: Spectra, theme: Theme) -> Figure:
    """Draw the standardised MFCCs of each digit without the first, which is loudness alone."""
    return _gallery(spectra, spectra.by_digit, theme, title=lambda example: CLASSES[example.digit], mfcc=True)


def _gallery(
    spectra: Spectra,
    examples: tuple[Example, ...],
    theme: Theme,
    *,
    title: Callable[[Example], str],
    mfcc: bool = False,
) -> Figure:
    n_rows = -(-len(examples) // _COLUMNS)
    figure = new_figure(0.5 + 2.0 * n_rows)
    grid = figure.subplots(n_rows, _COLUMNS, squeeze=False, sharex=True, sharey=True)
    panels = list(grid.flat)
    pictures = _standardised([example.mfcc[1:] for example in examples]) if mfcc else [each.mel_db for each in examples]
    look: dict[str, Any] = {"cmap": "magma"}
    if mfcc:
        look = {"cmap": "RdBu_r", "vmin": -_DEVIATIONS_SHOWN, "vmax": _DEVIATIONS_SHOWN}
    longest = max(picture.shape[1] for picture in pictures)
    for axes, example, picture in zip(panels, examples, pictures, strict=False):
        first = 1 if mfcc else 0
        extent = (0, picture.shape[1] * spectra.frame_ms, first - 0.5, first + len(picture) - 0.5)
        axes.imshow(picture, origin="lower", aspect="auto", interpolation="nearest", extent=extent, **look)
        axes.set_title(title(example), fontweight="bold", fontsize=9.5)
        axes.set_xlim(0, longest * spectra.frame_ms)
        if not mfcc:
            axes.set_yticks(*_hz_ticks(spectra), fontsize=8)
    for axes in panels[len(examples) :]:
        axes.set_axis_off()
    figure.supxlabel("time (ms)", fontsize=10)
    figure.supylabel("coefficient" if mfcc else "mel band (middle, Hz)", fontsize=10)
    return figure


def _standardised(coefficients: list[Spectrogram]) -> list[Spectrogram]:
    """Give each coefficient mean 0 and deviation 1 over all pictures, or the lowest would outshine the others."""
    joined = np.concatenate(coefficients, axis=1)
    mean, deviation = joined.mean(1, keepdims=True), joined.std(1, keepdims=True)
    return [(each - mean) / np.maximum(deviation, 1e-6) for each in coefficients]


def _hz_ticks(spectra: Spectra) -> tuple[list[float], list[str]]:
    shown = [hz for hz in _HZ_SHOWN if hz < spectra.band_hz[-1]]
    places = np.interp(shown, spectra.band_hz, np.arange(len(spectra.band_hz)))
    return places.tolist(), [f"{hz // 1000}k" if hz >= 1000 else str(hz) for hz in shown]
