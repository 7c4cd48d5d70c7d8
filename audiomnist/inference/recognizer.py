"""What every recogniser offers: sound in, answers out, whatever computes them. PyTorch is not needed for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, ParamSpec, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import Samples, blocks, map_in_order, read, resample
from audiomnist.errors import DataError, UsageError
from audiomnist.inference.answers import Answer, Spoken, label
from audiomnist.inference.sequences import find_digits
from audiomnist.training.no_digit import NoDigit, split_logits

P = ParamSpec("P")
Result = TypeVar("Result")
Sound = str | Path | NDArray[Any]
Sounds = list[str] | list[Path] | list[NDArray[Any]] | list[Sound]

_BLOCK_S = 10
AT_ONCE = 64  # waveforms that are held and computed together
_READING = Lock()  # opening files is mostly Python: threads doing it at once are slower than one


@dataclass(frozen=True)
class Answering:
    """How logits become answers.

    Attributes
    ----------
    classes : tuple of str
        What the outputs of the network stand for.
    sample_rate : int
        Hz; waveforms must come at it.
    temperature : float
        What logits are divided by before the softmax.
    no_digit : NoDigit, optional
        How the model recognises that none of its classes was said.
    """

    classes: tuple[str, ...]
    sample_rate: int
    temperature: float = 1.0
    no_digit: NoDigit | None = None

    def __post_init__(self) -> None:
        if not self.classes or len(set(self.classes)) < len(self.classes):
            raise ValueError("no classes, or one of them twice")
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"a temperature of {self.temperature}")

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the tempered softmax over the classes, float64 array [n, n_classes]."""
        of_classes, _ = split_logits(logits, len(self.classes))
        tempered = of_classes.astype(np.float64) / self.temperature
        exponents = np.exp(tempered - tempered.max(1, keepdims=True))
        probabilities: NDArray[np.float64] = exponents / exponents.sum(1, keepdims=True)
        return probabilities

    def answers(self, logits: NDArray[np.float32], seconds: Sequence[float]) -> list[Answer]:
        """Return an answer per row of logits, given the lengths of the recordings."""
        _, scores = split_logits(logits, len(self.classes))
        accepted = scores >= (self.no_digit.threshold if self.no_digit else -np.inf)
        labels = [label(name) for name in self.classes]
        answers = []
        for row, is_one, length in zip(self.probabilities(logits).tolist(), accepted.tolist(), seconds, strict=True):
            likeliest = max(range(len(row)), key=row.__getitem__)
            digit = labels[likeliest] if is_one else None
            answers.append(Answer(digit, row[likeliest], dict(zip(labels, row, strict=True)), length))
        return answers


class Recognizer(ABC):
    """A trained network with all that leads to it and from it. Several threads may use one at once."""

    answering: Answering
    name: str

    @abstractmethod
    def logits(self, waveforms: Sequence[Samples]) -> NDArray[np.float32]:
        """Return the logits of waveforms, float32 array [n, n_outputs], each a function of its own waveform alone.

        Waveforms are mono, float32 arrays [L_i], at ``answering.sample_rate``. The last output is "none of the classes"
        in a network that has this output.
        """

    def single_threaded(self) -> AbstractContextManager[None]:
        """Return the context in which one call of ``logits`` uses one core, so that several can go on at once."""
        return nullcontext()

    @overload
    def __call__(self, sound: Sound, sample_rate: int | None = None) -> Answer: ...
    @overload
    def __call__(self, sound: Sounds, sample_rate: int | None = None) -> list[Answer]: ...
    def __call__(self, sound: Sound | Sounds, sample_rate: int | None = None) -> Answer | list[Answer]:
        """Say which digit is spoken.

        Raises DataError if a file cannot be read, or an array is empty or holds values that are no finite numbers.

        Parameters
        ----------
        sound : path, array or list of either
            An array is [L], or [L, n_channels]; integers are scaled by the range of their type.
        sample_rate : int, optional
            Hz, of arrays.
        """
        if isinstance(sound, list):
            answers = []
            for answer in self.stream(sound, sample_rate, jobs=1):
                if isinstance(answer, DataError):
                    raise answer
                answers.append(answer)
            return answers
        return self.answers([load(sound, sample_rate)])[0]

    def stream(
        self, sounds: Iterable[Sound], sample_rate: int | None = None, *, jobs: int | None = None
    ) -> Iterator[Answer | DataError]:
        """Yield an answer per sound, in order, or what is wrong with it; few of them are held at a time.

        Parameters
        ----------
        jobs : int, optional
            Threads; one per core by default.
        """

        def answer(batch: Sequence[Sound]) -> list[Answer | DataError]:
            with _READING:
                loaded = [tried(load, sound, sample_rate) for sound in batch]
            answers = iter(self.answers([one for one in loaded if not isinstance(one, DataError)]))
            return [one if isinstance(one, DataError) else next(answers) for one in loaded]

        for answers in map_in_order(answer, _batched(sounds), jobs):
            yield from answers

    def segment(self, sound: Sound, sample_rate: int | None = None) -> Spoken:
        """Find the digits in a longer recording, with pauses between them.

        Parameters are those of a call.
        """
        if isinstance(sound, str | Path):
            return find_digits(self.answers, self.answering.sample_rate, self._blocks(Path(sound)))
        samples = self._resampled(*load(sound, sample_rate))
        rate = self.answering.sample_rate
        parts = (samples[start : start + _BLOCK_S * rate] for start in range(0, len(samples), _BLOCK_S * rate))
        return find_digits(self.answers, rate, parts)

    def _blocks(self, path: Path) -> Iterator[Samples]:
        """Yield a recording in blocks, resampled as if it were one."""
        import soxr

        resampler = None
        for samples, rate in blocks(path, _BLOCK_S):
            if rate == self.answering.sample_rate:
                yield samples
                continue
            resampler = resampler or soxr.ResampleStream(rate, self.answering.sample_rate, 1, "float32", "HQ")
            yield resampler.resample_chunk(samples)
        if resampler:
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)

    def answers(self, recordings: Sequence[tuple[Samples, int]]) -> list[Answer]:
        """Return the answers to mono recordings, float32 array [L] each, with their sample rates in Hz."""
        if not recordings:
            return []
        logits = self.logits([self._resampled(*recording) for recording in recordings])
        return self.answering.answers(logits, [len(samples) / rate for samples, rate in recordings])

    def _resampled(self, samples: Samples, sample_rate: int) -> Samples:
        return resample(samples, sample_rate, self.answering.sample_rate)


def load(sound: Sound, sample_rate: int | None) -> tuple[Samples, int]:
    """Return a recording as mono, float32 array [L], and its sample rate in Hz.

    Raises
    ------
    DataError
        If it cannot be read, is empty, or holds values that are no finite numbers.
    UsageError
        If an array comes without a sample rate.
    """
    if isinstance(sound, str | Path):
        return read(Path(sound))
    if sample_rate is None:
        raise UsageError("an array needs its sample rate", "recognizer(samples, sample_rate=16000)")
    samples = np.asarray(sound)
    if np.issubdtype(samples.dtype, np.integer):
        limits = np.iinfo(str(samples.dtype))
        middle = (int(limits.max) + int(limits.min) + 1) // 2
        samples = (samples.astype(np.float64) - middle) / (int(limits.max) + 1 - middle)
    if samples.ndim == 2:
        samples = samples.mean(1)
    if samples.ndim != 1 or not samples.size or not np.isfinite(samples.astype(np.float32).sum()):
        raise DataError(
            f"an array of shape {samples.shape} is not sound: samples must be [L] or [L, n_channels], finite, "
            "at least one"
        )
    return np.ascontiguousarray(samples, np.float32), sample_rate


def tried(function: Callable[P, Result], *arguments: P.args, **named: P.kwargs) -> Result | DataError:
    """Call a function; return what is wrong with a recording in place of raising it."""
    try:
        return function(*arguments, **named)
    except DataError as error:
        return error


def _batched(sounds: Iterable[Sound]) -> Iterator[list[Sound]]:
    remaining = iter(sounds)
    while batch := list(islice(remaining, AT_ONCE)):
        yield batch
