"""What a sweep came to, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiomnist.errors import DataError


@dataclass(frozen=True)
class Curve:
    """Accuracy under one family of distortions.

    Attributes
    ----------
    levels, accuracy : tuple of float
        As many of the one as of the other.
    unit : str
        What the levels mean.
    n : int
        Clips tested at each level.
    log : bool
        Whether the axis of levels is logarithmic.
    """

    name: str
    title: str
    unit: str
    levels: tuple[float, ...]
    accuracy: tuple[float, ...]
    n: int
    log: bool

    @property
    def area(self) -> float:
        """The area under the curve over the width of its axis: the mean accuracy over the levels between its ends."""
        places = np.log(self.levels) if self.log else np.array(self.levels, dtype=np.float64)
        heights = np.array(self.accuracy)
        return float((np.diff(places) * (heights[1:] + heights[:-1]) / 2).sum() / (places[-1] - places[0]))

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "title": self.title,
            "unit": self.unit,
            "scale": "log" if self.log else "linear",
            "levels": list(self.levels),
            "accuracy": list(self.accuracy),
            "n": self.n,
            "area": self.area,
        }


@dataclass(frozen=True)
class Robustness:
    """How a network did on distorted clips.

    Attributes
    ----------
    clean : float
        Accuracy on the same clips as they are.
    chance : float
        Accuracy of guessing.
    n_clips, n_available : int
        Clips tested, and clips they were chosen from.
    """

    clean: float
    chance: float
    n_clips: int
    n_available: int
    seed: int
    curves: tuple[Curve, ...]

    @property
    def area(self) -> float:
        """The mean of the curves' areas."""
        return sum(curve.area for curve in self.curves) / len(self.curves)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "area": self.area,
            "clean": self.clean,
            "chance": self.chance,
            "n_clips": self.n_clips,
            "n_available": self.n_available,
            "seed": self.seed,
            "families": {curve.name: curve.as_json() for curve in self.curves},
        }

    @classmethod
    def load(cls, path: Path) -> Robustness:
        """Read what ``save`` wrote.

        Raises
        ------
        DataError
            If the file is broken.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            curves = tuple(
                Curve(
                    name=name,
                    title=of["title"],
                    unit=of["unit"],
                    levels=tuple(of["levels"]),
                    accuracy=tuple(of["accuracy"]),
                    n=of["n"],
                    log=of["scale"] == "log",
                )
                for name, of in document["families"].items()
            )
            rest = {key: document[key] for key in ("clean", "chance", "n_clips", "n_available", "seed")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not the result of a sweep ({error})", "remove it to have it made anew") from error
        return cls(**rest, curves=curves)
