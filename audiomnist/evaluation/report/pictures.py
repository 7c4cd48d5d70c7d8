"""The pictures of a report, each for a light and for a dark page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from audiomnist.evaluation.drawing import DARK, LIGHT, Theme, draw_png
from audiomnist.evaluation.figures import confusion_figure, loss_figure, reliability_figure
from audiomnist.evaluation.html import Picture
from audiomnist.evaluation.report.facts import Facts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALL_INCHES = (3.4, 2.3)


def curves(facts: Facts) -> Picture:
    """Draw loss and accuracy by epoch."""
    lines = "a line per fold" if facts.folds else "one training"
    caption = f"Loss and accuracy after each epoch, {lines}. Training clips are masked, so they are harder than others."
    return _picture("curves", "Learning curves", caption, lambda theme: loss_figure(facts.histories, theme))


def confusion(facts: Facts) -> Picture:
    """Draw what was taken for what."""
    caption = "Clips by label (rows) and by what was heard (columns); the deeper the colour, the more of the label."
    return _picture("confusion", "Confusion matrix", caption, lambda theme: confusion_figure(facts.scores, theme))


def reliability(facts: Facts) -> Picture:
    """Draw how often the network is right when it is so sure."""
    caption = (
        "How often the network is right when it is so sure. On the dashed line it is as often right as it is sure."
    )
    calibration = facts.scores.calibration
    return _picture("reliability", "Reliability", caption, lambda theme: reliability_figure(calibration, theme))


def distortions(robustness: Mapping[str, Any]) -> list[Picture]:
    """Draw accuracy against the strength of each distortion, the one that does most harm first."""
    families = sorted(robustness["families"].items(), key=lambda item: float(item[1]["area"]))
    caption = "Dashed: undistorted. Dotted: guessing."
    return [
        _picture(name, f"{name}: {of['area']:.1%}", caption, partial(_distortion, of, robustness))
        for name, of in families
    ]


def _distortion(family: Mapping[str, Any], robustness: Mapping[str, Any], theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SMALL_INCHES, layout="constrained")
    axes = figure.subplots()
    levels = family["levels"]
    if family["scale"] == "log":
        axes.set_xscale("log")
    axes.axhline(robustness["clean"], color=theme.third, linestyle="--", linewidth=1)
    axes.axhline(robustness["chance"], color=theme.third, linestyle=":", linewidth=1)
    axes.plot(levels, family["accuracy"], "o-", color=theme.first, markersize=4)
    axes.set_xticks(levels, [f"{level:g}" for level in levels])
    axes.set_xticks([], minor=True)
    axes.set(ylim=(0, 1.03), xlabel=family["unit"])
    if levels[0] > levels[-1]:
        axes.invert_xaxis()
    axes.grid()
    return figure


def _picture(name: str, title: str, caption: str, draw: Callable[[Theme], Figure]) -> Picture:
    return Picture(name, title, caption, draw_png(draw, LIGHT), draw_png(draw, DARK))
