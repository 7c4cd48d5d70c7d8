"""How figures look: one drawing serves as a PNG file and, in a page, as an SVG that follows light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from audiomnist.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

# The width is that of a telephone, where text of 10 points is 10 pixels high; on a wide screen it grows.
WIDTH_INCHES = 4.8
INK, SOFT, FAINT = "#1f2328", "#6e7781", "#d0d7de"
FIRST, SECOND = "#2a6fbb", "#c2472c"
ON_FIRST = "#fefefe"
# What each colour is called in the style sheet, where the dark page gives it another value.
_VARIABLES = {INK: "ink", SOFT: "soft", FAINT: "line", FIRST: "first", SECOND: "second", ON_FIRST: "on-mark"}
_DPI = 200
_SETTINGS: Any = {
    "text.parse_math": False,  # a "$" in the name of a speaker or a file is a "$"
    "svg.fonttype": "none",
    "svg.hashsalt": "audiomnist",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "axes.edgecolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}


def drawn(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in the house's style, whatever the caller's own settings are."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib as mpl

        with mpl.rc_context(_SETTINGS):
            return draw(*args, **kwargs)

    return in_style


def new_figure(height_inches: float, width_inches: float = WIDTH_INCHES) -> Figure:
    """Return an empty figure whose panels keep clear of each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def new_panels(
    n_panels: int, n_columns: int, row_inches: float, more_inches: float = 0, width: float = WIDTH_INCHES, **axes: Any
) -> tuple[Figure, Any]:
    """Return a figure with panels in rows, and the panels, array [n_rows, n_columns]; places left over are empty."""
    n_rows = -(-n_panels // n_columns)
    figure = new_figure(row_inches * n_rows + more_inches, width)
    panels = figure.subplots(n_rows, n_columns, squeeze=False, **axes)
    for unused in panels.flat[n_panels:]:
        unused.set_axis_off()
    return figure, panels


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(_saved(figure, format="png", dpi=_DPI, metadata={"Software": None}))


def svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element for a page, whose style sheet defines its colours."""
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    text = _saved(figure, format="svg", transparent=True, metadata=nothing).decode()
    element = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    element = re.sub(r' id="[\w.-]+_\d+"| xmlns(:\w+)?="[^"]*"', "", element)  # a page holds several
    element = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font: \1 system-ui, sans-serif", element)
    for colour, name in _VARIABLES.items():
        element = element.replace(colour, f"var(--{name})")
    return re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element))


def bars(axes: Axes, counts: dict[str, int], *, most: int = 8) -> None:
    """Draw horizontal bars with their counts, the greatest first; the small ones beyond ``most`` become one."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    shown = dict(ordered[:most])
    if len(ordered) > most:
        shown[f"{len(ordered) - most} others"] = sum(count for _, count in ordered[most:])
    names = [name if len(name) <= 22 else f"{name[:21]}…" for name in shown]
    places = range(len(shown))
    axes.bar_label(axes.barh(places, list(shown.values()), color=FIRST, height=0.7), fmt="{:,.0f}", padding=3)
    axes.set_yticks(places, names)
    axes.set_ylim(max(len(shown), 4) - 0.5, -0.6)
    axes.margins(x=0.22)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _saved(figure: Figure, **options: Any) -> bytes:
    import matplotlib as mpl

    file = io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        figure.savefig(file, **options)
    return file.getvalue()
