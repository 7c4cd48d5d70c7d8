"""How numbers are written, the same in the terminal, on a page and in a model card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiomnist.errors import count

if TYPE_CHECKING:
    from audiomnist.runs.scores import Estimate


def accuracy(value: float) -> str:
    """Return an accuracy, or another share from 0 to 1; 1.000 only where nothing is missing."""
    return f"{value if value >= 1 else min(value, 0.999):.3f}"


def number(value: float, digits: int = 3) -> str:
    """Return a number; what rounds to zero has no sign."""
    return f"{value:z,.{digits}f}"


def ends(of: Estimate) -> str:
    """Return the ends of an interval: to two digits, to three where it is narrow."""
    digits = 2 if of.high - of.low >= 0.02 else 3
    return f"{of.low:.{digits}f}-{of.high:.{digits}f}"


def interval(of: Estimate) -> str:
    """Return an interval, and what it is over."""
    speakers = count(of.n_speakers, "speaker")
    return f"95 % interval {ends(of)}, {speakers if of.over == 'speakers' else f'over clips of {speakers}'}"


def confidence(probability: float) -> str:
    """Return a probability, which is never quite 0 or 1."""
    if probability < 0.001:
        return "<0.001"
    return f"{probability:.3f}" if probability <= 0.999 else ">0.999"
