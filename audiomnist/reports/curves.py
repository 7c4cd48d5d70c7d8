"""Learning curves of several runs in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audiomnist.evaluation.tested import Tested

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_QUANTITIES = ("loss", "accuracy")
_STYLES = ("-", "--", ":")


def curves_figure(tested: Sequence[Tested]) -> Figure:
    """Draw loss and accuracy by epoch, on the clips each run watched, in a colour per run.

    Folds of a cross validation are thin lines, their mean a thick one. A run that has lost its history is left out.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    colours = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
    figure = Figure(figsize=(10, 4.2 + 0.22 * len(tested)), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, quantity in zip(panels, _QUANTITIES, strict=True):
        for number, one in enumerate(tested):
            style = _STYLES[number // len(colours) % len(_STYLES)]
            _draw(axes, one, quantity, colours[number % len(colours)], style)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center")
    return figure


def _draw(axes: Axes, one: Tested, quantity: str, colour: Any, style: str) -> None:
    histories = [history for history in one.histories if history]
    if not histories:
        return
    watched = histories[0][0].get("watched", "watched")
    curves = [[_number(record.get(quantity)) for record in history] for history in histories]
    name = one.name.replace("$", r"\$")
    label = f"{name} ({watched} clips)"
    if len(curves) == 1:
        axes.plot(np.arange(1, len(curves[0]) + 1), curves[0], style, marker="o", ms=3, color=colour, label=label)
        return
    for curve in curves:
        axes.plot(np.arange(1, len(curve) + 1), curve, style, color=colour, linewidth=0.7, alpha=0.35)
    n_epochs = min(len(curve) for curve in curves)
    mean = np.mean([curve[:n_epochs] for curve in curves], axis=0)
    label = f"{name} ({watched} clips, mean of {len(curves)} folds)"
    axes.plot(np.arange(1, n_epochs + 1), mean, style, color=colour, linewidth=2.2, label=label)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
