"""Figures of explanations: what is evidence for a digit, where and when, in blue, and what is against it, in red."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audiomnist.config import Features
from audiomnist.evaluation.explanation import Average, Checks, Explained
from audiomnist.features.mel import band_centres_hz
from audiomnist.reports.drawing import FIRST, SECOND, SOFT, drawn, new_figure, new_panels
from audiomnist.reports.wording import confidence, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_HZ_SHOWN = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)
_MOST_TICKS = 8
_FULL_PERCENTILE = 99.0  # of the relevance has the full colour


@drawn
def explanation_figure(explained: Explained, features: Features, title: str) -> Figure:
    """Draw a recording, what the network sees of it, and the relevance for each class, over one axis of time.

    What is trimmed before the network sees it is left white.
    """
    hop_s = features.hop_length / features.sample_rate
    begin = explained.first_s - hop_s / 2
    end = begin + hop_s * len(explained.spectrogram)
    n_maps = len(explained.explanations)
    figure = new_figure(2.6 + 1.9 * n_maps)
    wave, seen, *maps = figure.subplots(2 + n_maps, 1, sharex=True, height_ratios=[0.8, 1.5] + [1.5] * n_maps)
    seconds = np.arange(len(explained.samples)) / features.sample_rate
    wave.plot(seconds, explained.samples, color=FIRST, linewidth=0.5)
    wave.set(title=title, yticks=[], xlim=(0, explained.answer.seconds))
    extent = (begin, end, -0.5, features.n_mels - 0.5)
    seen.imshow(explained.spectrogram.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
    seen.set_title("mel spectrogram, as the network sees it")
    for axes, one in zip(maps, explained.explanations, strict=True):
        _draw_relevance(axes, one.relevance, explained.spectrogram, extent)
        axes.set_title(f"for {one.label}: {checks(one.checks)}", fontsize=9)
    for axes in (seen, *maps):
        _name_bands(axes, features)
    maps[-1].set_xlabel("seconds; blue is evidence for the digit, red against it\nthe loudest quarter is outlined")
    return figure


@drawn
def averages_figure(averages: Sequence[Average], features: Features, title: str) -> Figure:
    """Draw the mean relevance for each class over the mean spectrogram, from the beginning of the word to its end."""
    figure, panels = new_panels(len(averages), 2, 1.75, 0.5, sharex=True, sharey=True)
    for axes, average in zip(panels.flat, averages, strict=False):
        _draw_relevance(axes, average.relevance, average.spectrogram, (0, 1, -0.5, features.n_mels - 0.5))
        axes.set_title(f"{average.label} ({average.n_clips} clips)")
        _name_bands(axes, features)
    for axes in panels[:, 1]:
        axes.set_ylabel("")
    for axes in panels[-1]:
        axes.set_xticks([0, 0.5, 1], ["begin", "of the word", "end"])
    figure.suptitle(title, fontsize=10)
    return figure


def checks(of: Checks) -> str:
    """Return what the checks found, in two lines."""
    hidden, elsewhere = confidence(of.without_relevant), confidence(of.without_random)
    return (
        f"probability {confidence(of.probability)}; correlation with random weights {number(of.random_weights, 2)}\n"
        f"with the most relevant tenth hidden {hidden}, another tenth {elsewhere}"
    )


def _draw_relevance(axes: Axes, relevance: NDArray[np.float32], spectrogram: NDArray[np.float32], extent: Any) -> None:
    """Draw relevance in colours, and outlines of the louder parts of the spectrogram over it."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("relevance", [SECOND, "#ffffff", FIRST])
    most = max(float(np.percentile(np.abs(relevance), _FULL_PERCENTILE)), 1e-12)
    axes.imshow(relevance.T, origin="lower", aspect="auto", cmap=colours, vmin=-most, vmax=most, extent=extent)
    loud = float(np.percentile(spectrogram, 75))
    if spectrogram.min() < loud < spectrogram.max():
        axes.contour(spectrogram.T, [loud], colors=SOFT, linewidths=0.5, extent=extent)


def _name_bands(axes: Axes, features: Features) -> None:
    """Write frequencies beside the bands, as many as have room."""
    centres = band_centres_hz(features).numpy()
    ticks: dict[float, str] = {}
    for hz in _HZ_SHOWN:
        place = float(np.interp(hz, centres, np.arange(len(centres))))
        if centres[0] <= hz <= centres[-1] and place - max(ticks, default=-np.inf) >= len(centres) / _MOST_TICKS:
            ticks[place] = f"{hz / 1000:g}"
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_ylabel("kHz")
