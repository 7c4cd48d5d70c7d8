"""Pictures of a result, drawn without a display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiomnist.evaluation.predictions import Predictions
from audiomnist.files import atomic_path
from audiomnist.reports.drawing import LIGHT, Theme
from audiomnist.runs.results import Bins, Calibration, Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

RIGHT, WRONG = "#1a7f37", "#cf222e"


def confusion_figure(scores: Scores, theme: Theme = LIGHT) -> Figure:
    """Draw the confusion matrix, each row as shares of its label, with the counts written in."""
    from matplotlib.colors import LinearSegmentedColormap

    figure = blank_figure(5.8, 5)
    axes = figure.subplots()
    confusion = np.array(scores.confusion)
    totals = confusion.sum(1, keepdims=True)
    shares = confusion / np.maximum(totals, 1)
    names = list(scores.per_class)
    places = range(len(names))
    shades = LinearSegmentedColormap.from_list("shares", [theme.card, theme.first])
    image = axes.imshow(shares, cmap=shades, vmin=0, vmax=1)
    size = min(8.5, 160 / len(names))
    for row, column in zip(*np.nonzero(confusion), strict=True):
        colour = theme.card if shares[row, column] > 0.5 else theme.ink
        count = confusion[row, column]
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=size)
    axes.set(
        xticks=places,
        xticklabels=names,
        yticks=places,
        yticklabels=names,
        xlabel="predicted",
        ylabel="label",
        title=f"accuracy {scores.accuracy:.4f} on {scores.n_test} clips",
    )
    axes.tick_params(labelsize=min(10, 200 / len(names)))
    figure.colorbar(image, ax=axes, label="share of the label")
    return figure


def reliability_figure(calibration: Calibration, theme: Theme = LIGHT) -> Figure:
    """Draw by how sure the network was: the share that was right, its gap to what was promised, and how many clips.

    The reliability diagram of Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    figure = blank_figure(5.6, 6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = calibration.bins or Bins(counts=(0,), confidences=(0,), accuracies=(0,))
    counts, accuracies, confidences = map(np.array, (bins.counts, bins.accuracies, bins.confidences))
    edges = np.linspace(0, 1, len(counts) + 1)
    some = counts > 0
    starts, width = edges[:-1][some], edges[1]
    right, sure = accuracies[some], confidences[some]
    upper.bar(starts, right, width, align="edge", color=theme.first, edgecolor=theme.card, label="right")
    upper.bar(
        starts,
        right - sure,
        width,
        bottom=sure,
        align="edge",
        color=theme.second,
        alpha=0.35,
        edgecolor=theme.second,
        hatch="//",
        label="gap to the probability",
    )
    upper.plot([0, 1], [0, 1], "--", color=theme.third, label="as often right as sure")
    upper.set(ylabel="share of right clips", ylim=(0, 1), title=f"expected calibration error {calibration.ece:.4f}")
    upper.legend(loc="upper left")
    lower.bar(edges[:-1], counts, width, align="edge", color=theme.third, edgecolor=theme.card)
    lower.set(xlabel="probability of the predicted class", ylabel="clips", xlim=(0, 1))
    return figure


def loss_figure(histories: Sequence[list[dict[str, Any]]], theme: Theme = LIGHT) -> Figure:
    """Draw loss and accuracy by epoch, a line per network: one, or those of the folds."""
    figure = blank_figure(6.4, 3.2)
    alpha = 1 if len(histories) == 1 else 0.5
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for number, history in enumerate(histories):
            epochs = [epoch["epoch"] for epoch in history]
            lines = (
                (f"train_{quantity}", theme.third, "train (masked)"),
                (quantity, theme.first, history[-1]["watched"]),
            )
            for key, colour, name in lines:
                label = None if number else name
                values = [epoch[key] for epoch in history]
                axes.plot(epochs, values, "o-", color=colour, markersize=4, alpha=alpha, label=label)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def samples_figure(predictions: Predictions, chosen: NDArray[np.int64], spectrograms: NDArray[np.float32]) -> Figure:
    """Draw clips as the network saw them, with what it said, in green where right and in red where wrong.

    Parameters
    ----------
    chosen : int64 array [n_shown]
        Positions in ``predictions``.
    spectrograms : float32 array [n_shown, M, N]
    """
    n_columns = 4
    n_rows = -(-len(chosen) // n_columns)
    figure = blank_figure(11, 2.5 * n_rows)
    panels = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axes in panels:
        axes.set(xticks=[], yticks=[])  # unseen, but laid out at a cost
        axes.set_axis_off()
    for axes, clip, spectrogram in zip(panels, chosen.tolist(), spectrograms, strict=False):
        said, label = predictions.predicted[clip], predictions.labels[clip]
        axes.imshow(spectrogram, origin="lower", aspect="auto", cmap="magma")
        axes.set_title(
            f"{predictions.paths[clip].rpartition('/')[2]}\n"
            f"said {predictions.classes[said]} ({predictions.probabilities[clip, said]:.0%}), "
            f"label {predictions.classes[label]}",
            color=RIGHT if predictions.correct[clip] else WRONG,
            fontsize=9,
            y=1.0,
        )
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def blank_figure(width_inches: float, height_inches: float) -> Figure:
    """Return an empty figure whose panels keep clear of each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")
