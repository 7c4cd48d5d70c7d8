"""The pictures of a report, each for a light and for a dark page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from audiomnist.reports.drawing import DARK, LIGHT, Theme, draw_png
from audiomnist.reports.figures import blank_figure, confusion_figure, loss_figure, reliability_figure
from audiomnist.reports.html import Picture
from audiomnist.reports.robustness_figure import draw_curve
from audiomnist.reports.run.facts import Facts
from audiomnist.runs.results import Curve, Robustness

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALL_INCHES = (3.2, 2.2)


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


def distortions(robustness: Robustness) -> list[Picture]:
    """Draw accuracy against the strength of each distortion, the one that does most harm first."""
    return [
        _picture(name, of.title, f"{of.area:.1%} on average", partial(_distortion, of, robustness))
        for name, of in sorted(robustness.families.items(), key=lambda item: item[1].area)
    ]


def _distortion(curve: Curve, robustness: Robustness, theme: Theme) -> Figure:
    figure = blank_figure(*_SMALL_INCHES)
    draw_curve(figure.subplots(), curve, robustness, theme)
    return figure


def _picture(name: str, title: str, caption: str, draw: Callable[[Theme], Figure]) -> Picture:
    return Picture(name, title, caption, draw_png(draw, LIGHT), draw_png(draw, DARK))
