"""How good predictions are: accuracy with its interval, by class and group, and calibration."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, computed_field, model_validator

from audiomnist.runs.documents import Count, Document, Nonnegative, Share


class Estimate(Document):
    """An accuracy, and where it may lie.

    Attributes
    ----------
    low, high : float
        Ends of the 95 % interval.
    over : str
        ``speakers``: where the accuracy over further speakers like these may lie. ``clips``: there is one speaker, or
        all do equally well, so it is known only where that of further clips of the same speakers may lie.
    n, n_speakers : int
        Clips and speakers.
    """

    accuracy: Share
    low: Share
    high: Share
    over: Literal["speakers", "clips"]
    n: int = Field(ge=1)
    n_speakers: int = Field(ge=1)


class SpeakerEstimate(Estimate):
    """The accuracy on one speaker."""

    speaker: str


class ClassScore(Document):
    """How well one class is recognised; what has nothing to be a share of is 0."""

    precision: Share
    recall: Share
    f1: Share
    n: Count


class Covered(Document):
    """What is left when the clips of lowest confidence go to a person.

    Attributes
    ----------
    coverage : float
        Share of the clips that the network answers itself.
    accuracy : float
        Of those.
    min_probability : float
        The lowest confidence among them.
    """

    coverage: Share
    accuracy: Share
    min_probability: Share


class Bins(Document):
    """Clips by confidence, in bins of equal width from 0 to 1.

    Attributes
    ----------
    counts : tuple of int
    confidences, accuracies : tuple of float
        Mean confidence and share of correct clips by bin; 0 where there is no clip.
    """

    counts: tuple[Count, ...]
    confidences: tuple[Share, ...]
    accuracies: tuple[Share, ...]


class Calibration(Document):
    """Confidence against accuracy.

    Attributes
    ----------
    ece : float
        Expected calibration error: the mean gap between both, weighted by clips.
    aurc : float
        Area under the risk-coverage curve: share of misclassified clips among those of highest confidence, averaged
        over all coverages.
    coverage : tuple of Covered
        At 100, 99, 95, 90 and 80 %.
    bins : Bins or None
        None in files of earlier versions.
    temperature : float or None
        What the logits were divided by; None over the folds of a cross validation, each of which has its own.
    fitted_on : str or None
        Clips that it was fitted on; None if there were none.
    ece_uncalibrated : float or None
        The error without it.
    """

    ece: Share
    aurc: Share
    coverage: tuple[Covered, ...] = Field(min_length=1)
    bins: Bins | None = None
    temperature: float | None = Field(None, gt=0)
    fitted_on: str | None = None
    ece_uncalibrated: Share | None = None


class Scores(Document):
    """How good predictions are.

    Attributes
    ----------
    interval : Estimate
        The accuracy with its 95 % interval.
    loss : float
        Mean cross entropy, nats.
    n_test : int
        Clips.
    per_class : dict of str to ClassScore
    confusion : tuple of tuple of int
        Clips by label (row) and prediction (column).
    groups : dict of str to dict of str to Estimate
        Accuracy by column and value, worst first; ``speaker`` is always there.
    """

    accuracy: Share
    interval: Estimate
    loss: Nonnegative
    n_test: int = Field(ge=1)
    per_class: dict[str, ClassScore]
    confusion: tuple[tuple[Count, ...], ...]
    groups: dict[str, dict[str, Estimate]]
    calibration: Calibration

    @property
    def n_correct(self) -> int:
        """Clips that are classified correctly."""
        return sum(row[label] for label, row in enumerate(self.confusion))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def worst_speaker(self) -> SpeakerEstimate:
        """The speaker of lowest accuracy."""
        speaker, worst = next(iter(self.groups["speaker"].items()))
        return SpeakerEstimate(speaker=speaker, **dict(worst))

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        n_classes = len(self.per_class)
        if len(self.confusion) != n_classes or any(len(row) != n_classes for row in self.confusion):
            raise ValueError("the confusion matrix has not a row and a column per class")
        if sum(map(sum, self.confusion)) != self.n_test or self.interval.n != self.n_test:
            raise ValueError(f"not all parts of the result are over the same {self.n_test} clips")
        for accuracy in (self.accuracy, self.interval.accuracy):
            if not math.isclose(accuracy, self.n_correct / self.n_test, abs_tol=1e-9):
                raise ValueError(f"accuracy {accuracy} is not that of the confusion matrix")
        if not self.groups.get("speaker"):
            raise ValueError("no accuracy by speaker")
        return self
