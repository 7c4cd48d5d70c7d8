"""What a recogniser answers."""

from __future__ import annotations

from dataclasses import dataclass

Label = int | str


def label(name: str) -> Label:
    """Return a class as it is answered: a digit as a number, any other class by its name."""
    return int(name) if name.isdecimal() else name


@dataclass(frozen=True)
class Answer:
    """What was said in a recording.

    Attributes
    ----------
    digit : int, str or None
        The digit, or the class of a model that tells other things apart; None if it is none of them.
    probability : float
        Of ``digit``; where that is None, of the likeliest class.
    probabilities : dict
        Of every class.
    seconds : float
        Length of the recording.
    """

    digit: Label | None
    probability: float
    probabilities: dict[Label, float]
    seconds: float

    @property
    def second_guess(self) -> tuple[Label, float]:
        """The likeliest class beside the answer, and its probability."""
        others = [name for name in self.probabilities if name != self.digit]
        guess = max(others, key=self.probabilities.__getitem__)
        return guess, self.probabilities[guess]


@dataclass(frozen=True)
class Segment:
    """A digit in a longer recording, from ``start_s`` to ``end_s`` seconds after its beginning."""

    start_s: float
    end_s: float
    digit: Label
    probability: float


@dataclass(frozen=True)
class Spoken:
    """What was said in a longer recording.

    Attributes
    ----------
    segments : tuple of Segment
    seconds : float
        Length of the recording.
    """

    segments: tuple[Segment, ...]
    seconds: float

    @property
    def digits(self) -> str:
        """The digits in order, as one string."""
        return "".join(str(segment.digit) for segment in self.segments)
