"""Two inks for one picture: how figures look on a light and on a dark page."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 6.4
_DPI = 140
_LEAST_ROWS = 4


@dataclass(frozen=True)
class Theme:
    """The colours of a page: its card, its text, its lines, and three for data."""

    card: str
    ink: str
    faint: str
    first: str
    second: str
    third: str


LIGHT = Theme(card="#ffffff", ink="#1f2328", faint="#d0d7de", first="#2a6fbb", second="#c8553d", third="#6e7781")
DARK = Theme(card="#161b22", ink="#e6edf3", faint="#3d444d", first="#6cb0f5", second="#f08c72", third="#9198a1")


def draw_png(draw: Callable[[Theme], Figure], theme: Theme) -> bytes:
    """Draw a figure in a theme and return it as PNG."""
    import matplotlib as mpl

    settings: Any = {
        "font.size": 10,
        "axes.titlesize": 10.5,
        "axes.facecolor": theme.card,
        "figure.facecolor": theme.card,
        "axes.edgecolor": theme.third,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": theme.faint,
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), theme.ink),
    }
    with mpl.rc_context(settings):
        file = io.BytesIO()
        draw(theme).savefig(file, dpi=_DPI, format="png", metadata={"Software": None})
    return file.getvalue()


def new_figure(height_inches: float) -> Figure:
    """Return an empty figure of the page's width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")


def bars(axes: Axes, counts: dict[str, int], theme: Theme, *, most: int = 8) -> None:
    """Draw horizontal bars with their counts, the greatest first; the small ones beyond ``most`` become one."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    shown = dict(ordered[:most])
    if len(ordered) > most:
        shown[f"{len(ordered) - most} others"] = sum(count for _, count in ordered[most:])
    names = [name if len(name) <= 22 else f"{name[:21]}…" for name in shown]
    places = range(len(shown))
    drawn = axes.barh(places, list(shown.values()), color=theme.first, height=0.7)
    axes.bar_label(drawn, fmt="{:,.0f}", padding=3, fontsize=8.5)
    axes.set_yticks(places, names, fontsize=8.5)
    axes.set_ylim(max(len(shown), _LEAST_ROWS) - 0.5, -0.6)
    axes.margins(x=0.18)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
