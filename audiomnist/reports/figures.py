"""Figures of results: the files of a run folder, and what its report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiomnist.evaluation.intervals import wilson
from audiomnist.evaluation.predictions import Predictions
from audiomnist.reports.drawing import FIRST, INK, ON_FIRST, SECOND, SOFT, drawn, new_figure, new_panels
from audiomnist.reports.wording import accuracy
from audiomnist.runs.results import EpochRecord
from audiomnist.runs.robustness import Robustness
from audiomnist.runs.scores import Bins, Calibration, Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_LEAST_IN_BIN, _LEAST_SHARE = 10, 0.01
_MOST_CLASSES_WITH_COUNTS = 25
_COLUMNS = 4  # of sample clips


@drawn
def confusion_figure(scores: Scores) -> Figure:
    """Draw the confusion matrix: correct clips in blue, misclassified ones in red, deeper for more of the label."""
    from matplotlib.patches import Rectangle

    names = list(scores.per_class)
    n_classes = len(names)
    figure = new_figure(4.7)
    axes = figure.subplots()
    counts = np.array(scores.confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    size = min(9.0, 110 / n_classes)
    with_counts = n_classes <= _MOST_CLASSES_WITH_COUNTS
    for row, column in zip(*np.nonzero(counts), strict=True):
        share = float(shares[row, column])
        is_correct = row == column
        depth = 0.12 + 0.88 * share if is_correct else 0.3 + 0.7 * share**0.5
        colour = FIRST if is_correct else SECOND
        axes.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, color=colour, alpha=depth, linewidth=0))
        ink = ON_FIRST if depth > 0.6 else INK
        if with_counts:
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink, fontsize=size)
    axes.set(
        xlim=(-0.6, n_classes - 0.4),
        ylim=(n_classes - 0.4, -0.6),
        aspect="equal",
        xlabel="predicted",
        ylabel="label",
        title=f"accuracy {accuracy(scores.accuracy)}, {scores.n_test:,} clips",
    )
    long = max(map(len, names)) > 2
    axes.set_xticks(range(n_classes), names, rotation=90 if long else 0)
    axes.set_yticks(range(n_classes), names)
    axes.tick_params(length=0, labelsize=min(10, 130 / n_classes))
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


@drawn
def reliability_figure(calibration: Calibration) -> Figure:
    """Draw the share of correct clips against the confidence, with a 95 % interval and the number of clips.

    The reliability diagram of Guo et al., "On calibration of modern neural networks", ICML 2017. Neighbouring bins with
    few clips are drawn as one.
    """
    bins = _merged(calibration.bins or Bins(counts=(1,), confidences=(0,), accuracies=(0,)))
    n, confidence, correct = bins.T
    ends = np.array([wilson(round(share * count), int(count)) for count, _, share in bins])
    figure = new_figure(4.7)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color=SOFT, linewidth=1, label="perfectly calibrated")
    axes.vlines(confidence, ends[:, 0], ends[:, 1], color=FIRST, linewidth=2, alpha=0.5, label="95 % interval")
    sizes = 18 + 160 * n / n.sum()
    axes.scatter(confidence, correct, sizes, color=FIRST, zorder=3, label="clips of like confidence")
    for place, (count, x, _) in enumerate(bins):
        above = (len(bins) - place) % 2 == 0
        beside = ends[place][1] if above else ends[place][0]
        radius = sizes[place] ** 0.5 / 2 if abs(beside - correct[place]) < 0.03 else 0
        axes.annotate(
            f"{count:,.0f}",
            (x, beside),
            xytext=(0, 3 + radius if above else -3 - radius),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=8,
            color=SOFT,
        )
    axes.set(
        xlabel="confidence (mean probability of the predicted class)",
        ylabel="share of correct clips",
        xlim=(min(0.5, confidence.min() - 0.05), 1.02),
        ylim=(min(0.5, ends.min() - 0.08), 1.06),
        title=f"expected calibration error {calibration.ece:.3f}",
    )
    axes.grid()
    axes.legend(loc="lower right")
    return figure


def _merged(bins: Bins) -> NDArray[np.float64]:
    """Return clips, mean confidence and share of correct clips, by bins that hold enough clips to say something."""
    least = max(_LEAST_IN_BIN, _LEAST_SHARE * sum(bins.counts))
    counts = np.array(bins.counts, dtype=np.float64)
    merged: list[NDArray[np.float64]] = []
    for added in np.stack([counts, counts * bins.confidences, counts * bins.accuracies], 1)[::-1]:  # most clips first
        if merged and merged[-1][0] < least:
            merged[-1] = merged[-1] + added
        elif added[0]:
            merged.append(added)
    if len(merged) > 1 and merged[-1][0] < least:
        merged[-2:] = [merged[-2] + merged[-1]]
    table = np.array(merged[::-1])  # (n_bins, 3)
    table[:, 1:] /= table[:, :1]
    return table


@drawn
def loss_figure(histories: Sequence[list[EpochRecord]]) -> Figure:
    """Draw loss and accuracy by epoch, a line per network: one, or those of the folds."""
    figure = new_figure(4.7)
    alpha = 1 if len(histories) == 1 else 0.5
    panels = figure.subplots(2, 1, sharex=True)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        for number, history in enumerate(histories):
            epochs = [epoch.epoch for epoch in history]
            watched = f"{history[-1].watched} clips"
            for key, colour, name in ((f"train_{quantity}", SOFT, "training clips"), (quantity, FIRST, watched)):
                values = [getattr(epoch, key) for epoch in history]
                label = None if number else name
                axes.plot(epochs, values, "o-", color=colour, markersize=3, linewidth=1.3, alpha=alpha, label=label)
        axes.set_ylabel(quantity)
        axes.grid()
    panels[1].set_xlabel("epoch")
    panels[1].xaxis.get_major_locator().set_params(integer=True)
    panels[0].legend()
    return figure


@drawn
def samples_figure(predictions: Predictions, chosen: NDArray[np.int64], spectrograms: NDArray[np.float32]) -> Figure:
    """Draw clips as the network gets them, with its prediction, in blue where correct and in red where not.

    Parameters
    ----------
    chosen : int64 array [n_shown]
        Positions in ``predictions``.
    spectrograms : float32 array [n_shown, M, N]
    """
    figure, panels = new_panels(len(chosen), _COLUMNS, 2.5, width=11)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, clip, spectrogram in zip(panels.flat, chosen.tolist(), spectrograms, strict=False):
        axes.imshow(spectrogram, origin="lower", aspect="auto", cmap="magma")
        predicted, label = predictions.predicted[clip], predictions.labels[clip]
        axes.set_title(
            f"{predictions.paths[clip].rpartition('/')[2]}\n"
            f"label {predictions.classes[label]}, predicted {predictions.classes[predicted]} "
            f"({predictions.probabilities[clip, predicted]:.3f})",
            color=FIRST if predictions.correct[clip] else SECOND,
            fontsize=9,
        )
    _, n_bands, n_frames = spectrograms.shape
    figure.supxlabel(f"{n_frames} frames", fontsize=10)
    figure.supylabel(f"{n_bands} mel bands", fontsize=10)
    return figure


@drawn
def robustness_figure(robustness: Robustness) -> Figure:
    """Draw accuracy against strength for each kind of distortion, with the clean accuracy and chance as lines."""
    n_columns = 5
    figure, panels = new_panels(len(robustness.families), n_columns, 2.3, 0.6, width=2.6 * n_columns, sharey=True)
    for axes, curve in zip(panels.flat, robustness.families.values(), strict=False):
        if curve.scale == "log":
            axes.set_xscale("log")
        axes.axhline(robustness.clean, color=SOFT, linestyle="--", linewidth=1, label="undistorted")
        axes.axhline(robustness.chance, color=SOFT, linestyle=":", linewidth=1, label="chance")
        axes.plot(curve.levels, curve.accuracy, "o-", color=FIRST, markersize=4, label="distorted")
        axes.set_xticks(curve.levels, [f"{level:g}" for level in curve.levels])
        axes.set_xticks([], minor=True)
        axes.set(ylim=(0, 1.03), xlabel=curve.unit, title=f"{curve.title} ({accuracy(curve.area)})")
        if curve.levels[0] > curve.levels[-1]:
            axes.invert_xaxis()
        axes.grid()
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
    some = f" of {robustness.n_available:,}" if robustness.n_clips < robustness.n_available else ""
    figure.suptitle(
        f"mean accuracy under distortion {accuracy(robustness.area)}, undistorted {accuracy(robustness.clean)}, "
        f"{robustness.n_clips:,}{some} clips"
    )
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return figure


@drawn
def curves_figure(histories: Mapping[str, Sequence[list[EpochRecord]]]) -> Figure:
    """Draw loss and accuracy by epoch of several runs, a colour for each, given the epochs of each of its networks.

    Folds of a cross validation are thin lines, their mean a thick one. A run that has lost its history is left out.
    """
    import matplotlib as mpl

    colours = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
    figure = new_figure(4.2 + 0.22 * len(histories), 10)
    panels = figure.subplots(1, 2)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        for number, (name, of_run) in enumerate(histories.items()):
            known = [history for history in of_run if history]
            curves = [[getattr(epoch, quantity) for epoch in history] for history in known]
            if not curves:
                continue
            style, colour = ("-", "--", ":")[number // len(colours) % 3], colours[number % len(colours)]
            mean = np.mean([*zip(*curves, strict=False)], axis=1)  # as far as all folds have come
            label = f"{name} ({known[0][0].watched} clips{f', mean of {len(curves)} folds' if curves[1:] else ''})"
            axes.plot(range(1, len(mean) + 1), mean, style, marker="o", markersize=3, color=colour, lw=2, label=label)
            for curve in curves if curves[1:] else ():
                axes.plot(range(1, len(curve) + 1), curve, style, color=colour, linewidth=0.7, alpha=0.35)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid()
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center")
    return figure
