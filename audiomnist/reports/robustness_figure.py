"""One picture of a sweep: a panel for each kind of distortion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiomnist.reports.drawing import LIGHT, Theme
from audiomnist.reports.figures import blank_figure, save_figure
from audiomnist.runs.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from audiomnist.runs.results import Curve, Robustness

_COLUMNS = 5


def robustness_figure(robustness: Robustness) -> Figure:
    """Draw accuracy against strength for each family, with the clean accuracy and chance as lines."""
    n_rows = -(-len(robustness.families) // _COLUMNS)
    figure = blank_figure(2.6 * _COLUMNS, 2.3 * n_rows + 0.6)
    panels = figure.subplots(n_rows, _COLUMNS, sharey=True, squeeze=False)
    for axes in panels.flat[len(robustness.families) :]:
        axes.set_axis_off()
    for axes, curve in zip(panels.flat, robustness.families.values(), strict=False):
        draw_curve(axes, curve, robustness, LIGHT)
        axes.set_title(f"{curve.title} ({curve.area:.3f})", fontsize=10)
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
    few = robustness.n_clips < robustness.n_available
    of_all = f", spread over {robustness.n_available:,}" if few else ""
    figure.suptitle(
        f"mean accuracy under distortion {robustness.area:.3f}, clean {robustness.clean:.4f}, "
        f"on {robustness.n_clips:,} clips{of_all}"
    )
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def draw_curve(axes: Axes, curve: Curve, robustness: Robustness, theme: Theme) -> None:
    """Draw one family of distortions: accuracy against strength, with the clean accuracy and chance as lines."""
    if curve.scale == "log":
        axes.set_xscale("log")
    axes.axhline(robustness.clean, color=theme.third, linestyle="--", linewidth=1, label="clean")
    axes.axhline(robustness.chance, color=theme.third, linestyle=":", linewidth=1, label="chance")
    axes.plot(curve.levels, curve.accuracy, "o-", color=theme.first, markersize=4, label="distorted")
    axes.set_xticks(curve.levels, [f"{level:g}" for level in curve.levels])
    axes.set_xticks([], minor=True)
    axes.tick_params(labelsize=8)
    axes.set(ylim=(0, 1.03), xlabel=curve.unit)
    if curve.levels[0] > curve.levels[-1]:
        axes.invert_xaxis()
    axes.grid(alpha=0.3)


def save_robustness(robustness: Robustness, out: RunFolder) -> None:
    """Write the numbers as JSON and the curves as a picture."""
    save_figure(robustness_figure(robustness), out.figures / "robustness.png")
    robustness.save(out.robustness)
