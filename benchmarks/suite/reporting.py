"""The figures as a table and as JSON, beside those of an earlier run."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from suite.measuring import Figure

_MISSING = "-"


def load_figures(path: Path) -> dict[str, dict[str, Any]]:
    """Return the figures of an earlier run, by name."""
    return {figure["name"]: figure for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]}


def table(figures: Sequence[Figure], before: dict[str, dict[str, Any]]) -> Table:
    """Return the figures as a table; with an earlier run's, its ratio and how many times the figure it is now."""
    result = Table("what", "unit", "limit")
    for heading in ("figure", "of limit", "ratio", *(["ratio before", "now / before"] if before else [])):
        result.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        cells = [figure.name, figure.unit, figure.against, _number(figure.value), _number(figure.limit)]
        cells.append(f"{figure.ratio:.2f}")
        if before:
            old = before.get(figure.name)
            cells += [f"{old['ratio']:.2f}", f"{figure.value / old['value']:.2f}"] if old else [_MISSING] * 2
        result.add_row(*cells)
    return result


def document(figures: Sequence[Figure], **facts: Any) -> dict[str, Any]:
    """Return what is written as JSON."""
    return {**facts, "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures]}


def write(path: Path, contents: dict[str, Any]) -> None:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
