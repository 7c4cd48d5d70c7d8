"""How a network does on distorted clips: ``robustness.json``."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, computed_field, model_validator

from audiomnist.runs.documents import Document, Share, Versioned


class Curve(Document):
    """Accuracy under one family of distortions.

    Attributes
    ----------
    unit : str
        What the levels mean.
    scale : str
        Of the axis of levels.
    levels, accuracy : tuple of float
        As many of the one as of the other.
    n : int
        Clips tested at each level.
    """

    title: str
    unit: str
    scale: Literal["linear", "log"]
    levels: tuple[float, ...] = Field(min_length=2)
    accuracy: tuple[Share, ...]
    n: int = Field(ge=1)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> float:
        """The area under the curve over the width of its axis: the mean accuracy over the levels between its ends."""
        places = np.log(self.levels) if self.scale == "log" else np.array(self.levels)
        heights = np.array(self.accuracy)
        return float((np.diff(places) * (heights[1:] + heights[:-1]) / 2).sum() / (places[-1] - places[0]))

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if len(self.levels) != len(self.accuracy) or self.levels[0] == self.levels[-1]:
            raise ValueError("not an accuracy for each of several levels")
        if self.scale == "log" and min(self.levels) <= 0:
            raise ValueError("levels on a logarithmic axis must be positive")
        return self


class Robustness(Versioned):
    """How a network did on distorted clips.

    Attributes
    ----------
    clean : float
        Accuracy on the same clips as they are.
    chance : float
        Accuracy of guessing.
    n_clips, n_available : int
        Clips tested, and clips they were chosen from.
    families : dict of str to Curve
    weights : str or None
        SHA-256 of the model file that was tested; None in files of earlier versions.
    """

    clean: Share
    chance: Share
    n_clips: int = Field(ge=1)
    n_available: int = Field(ge=1)
    seed: int
    families: dict[str, Curve] = Field(min_length=1)
    weights: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> float:
        """The mean of the curves' areas."""
        return sum(curve.area for curve in self.families.values()) / len(self.families)
