"""Runs side by side: ``compare.json``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, computed_field

from audiomnist.runs.documents import Count, Document, Nonnegative, Share, Versioned

ALPHA = 0.05
Conclusion = Literal["no difference", "not shown", "on these clips", "over speakers"]


class Difference(Document):
    """How a second network differs from a first on the clips that both were tested on.

    Attributes
    ----------
    first, second : str
        Their names.
    n_shared, n_speakers : int
        Clips that both were tested on, with the same label, and their speakers.
    n_contradicting : int
        Clips that both were tested on with different labels; they count in nothing else.
    accuracy_first, accuracy_second : float
        On the shared clips.
    only_first, only_second : int
        Clips that one of the two alone classified correctly.
    difference : float
        Accuracy of the second less that of the first.
    low, high : float or None
        95 % interval of the difference over further speakers like these; None if there is one speaker only.
    p : float
        Of McNemar's exact test: how often networks that are equally good differ so much on independent clips.
    p_holm : float
        The same, corrected by Holm's method for all the comparisons that were made together.
    conclusion : str
        ``over speakers``: the better one is better for speakers like these, since both the test over clips and the
        interval over speakers say so. ``on these clips``: the test over clips alone. ``not shown``: neither, or the
        interval alone. ``no difference``: they are correct about the same clips.
    """

    first: str
    second: str
    n_shared: int = Field(ge=1)
    n_contradicting: Count
    n_speakers: int = Field(ge=1)
    accuracy_first: Share
    accuracy_second: Share
    only_first: Count
    only_second: Count
    difference: float = Field(ge=-1, le=1)
    low: float | None
    high: float | None
    p: Share
    p_holm: Share

    @computed_field  # type: ignore[prop-decorator]
    @property
    def conclusion(self) -> Conclusion:
        """What follows from the tests."""
        if self.only_first == self.only_second == 0:
            return "no difference"
        if self.p_holm >= ALPHA:
            return "not shown"
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "on these clips"
        return "over speakers"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def verdict(self) -> str:
        """The conclusion with its numbers, in a sentence."""
        if self.conclusion == "no difference":
            n_correct = round(self.accuracy_first * self.n_shared)
            same = f"the same {n_correct:,} of {self.n_shared:,} clips correct"
            return f"no difference: {self.second} and {self.first} have {same}"
        if self.conclusion == "not shown":
            return f"no difference shown between {self.second} and {self.first}: {self._numbers(1)}"
        better, worse, sign = (self.second, self.first, 1) if self.difference > 0 else (self.first, self.second, -1)
        limit = " on these clips, not shown for other speakers" if self.conclusion == "on these clips" else ""
        return f"{better} is better than {worse}{limit}: {self._numbers(sign)}"

    def _numbers(self, sign: int) -> str:
        interval = "one speaker, so there is no interval over speakers"
        if self.low is not None and self.high is not None:
            low, high = sorted((sign * self.low, sign * self.high))
            interval = f"95 % interval {low:+z.3f} to {high:+z.3f}, {self.n_speakers:,} speakers"
        return f"accuracy {sign * self.difference:+z.3f} ({interval}; McNemar p = {self.p_holm:.2g})"


class ComparedRun(Document):
    """The main numbers of one of the runs that are compared; None where its result does not say."""

    name: str
    path: str
    accuracy: Share
    loss: Nonnegative
    n_test: Count
    n_train: Count | None
    n_parameters: Count | None
    train_seconds: Nonnegative | None
    worst_speaker: str
    worst_speaker_accuracy: Share
    calibration_error: Share
    risk_coverage_area: Share
    robustness: Share | None


class Comparison(Versioned):
    """Runs side by side.

    Attributes
    ----------
    settings : dict of str to tuple
        The settings that are not the same in all: by dotted key, the value in each.
    differences : tuple of Difference
        Of each run to the first.
    cautions : tuple of str
        Why numbers side by side may differ for other reasons than the networks.
    out : str
        Folder of the comparison.
    """

    runs: tuple[ComparedRun, ...] = Field(min_length=2)
    settings: dict[str, tuple[Any, ...]]
    differences: tuple[Difference, ...]
    cautions: tuple[str, ...]
    out: str
