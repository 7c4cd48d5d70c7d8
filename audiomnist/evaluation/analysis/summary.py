"""What was measured of a corpus, by digit, by speaker and by what is known of the speakers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from audiomnist.corpus.scan import CLASSES
from audiomnist.evaluation.analysis.clips import Measurements, Values

ABOUT_CLIPS = ("gender", "accent", "native")
ABOUT_SPEAKERS = ("age", "gender", "origin", "room", "accent", "native")
UNKNOWN = "unknown"

Counts = Mapping[str, int]


class Quantiles(BaseModel, frozen=True):
    """How values are spread: their mean, least and greatest, and the quantiles between."""

    mean: float
    min: float
    p1: float
    p5: float
    p25: float
    median: float
    p75: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Values) -> "Quantiles":
        """Compute those of values, float64 array [n]."""
        _, *names = cls.model_fields
        quantiles = np.quantile(values, (0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1)).tolist()
        return cls(mean=float(values.mean()), **dict(zip(names, quantiles, strict=True)))


class Signal(BaseModel, frozen=True):
    """How a speaker's clips sound: medians, in dB below full scale, ms, and parts of full scale.

    Attributes
    ----------
    clips, clipped_clips : int
        How many there are, and how many of them have clipping.
    """

    clips: int
    rms_db: float
    peak_db: float
    noise_floor_db: float
    dc_offset: float
    leading_ms: float
    trailing_ms: float
    clipped_clips: int
    length_ms: float


class Summary(BaseModel, frozen=True):
    """What is in a corpus.

    Attributes
    ----------
    unreadable : tuple of str
        What is wrong with each clip that cannot be read; the rest counts the others.
    counts : mapping
        Clips by digit, speaker and what else is known of them.
    formats : mapping
        Clips by sample rate in Hz, channels and bit depth of their files.
    silence_ms : mapping
        Before (``leading``) and after the word (``trailing``).
    speakers_by : mapping
        Speakers, not clips, by what is known of them.
    """

    clips: int
    unreadable: tuple[str, ...]
    speakers: int
    seconds: float
    layout: str
    counts: Mapping[str, Counts]
    formats: Mapping[str, Counts]
    length_ms: Quantiles
    length_ms_by_digit: Mapping[str, Quantiles]
    silence_ms: Mapping[str, Quantiles]
    signal_by_speaker: Mapping[str, Signal]
    speakers_by: Mapping[str, Counts]


def summarise(measured: Measurements) -> Summary:
    """Return counts, formats, lengths, loudness and silence."""
    corpus, lengths_ms = measured.corpus, measured.lengths_ms
    speakers, first_clips = np.unique(corpus.speakers, return_index=True)
    of_digit = {name: corpus.digits == int(name) for name in CLASSES}
    return Summary(
        clips=len(corpus),
        unreadable=measured.unreadable,
        speakers=len(speakers),
        seconds=float(lengths_ms.sum() / 1000),
        layout=corpus.layout,
        counts={
            "digit": {name: int(own.sum()) for name, own in of_digit.items()},
            "speaker": _counts(corpus.speakers.tolist()),
            **{name: _counts(corpus.columns[name].tolist()) for name in ABOUT_CLIPS if name in corpus.columns},
        },
        formats={
            "sample_rate": _counts(measured.sample_rates.tolist()),
            "channels": _counts(measured.n_channels.tolist()),
            "bit_depth": _counts([bits or None for bits in measured.bit_depths.tolist()]),
        },
        length_ms=Quantiles.of(lengths_ms),
        length_ms_by_digit={name: Quantiles.of(lengths_ms[own]) for name, own in of_digit.items() if own.any()},
        silence_ms={"leading": Quantiles.of(measured.leading_ms), "trailing": Quantiles.of(measured.trailing_ms)},
        signal_by_speaker={name: _signal(measured, corpus.speakers == name) for name in speakers.tolist()},
        speakers_by={
            name: _counts(corpus.columns[name][first_clips].tolist())
            for name in ABOUT_SPEAKERS
            if name in corpus.columns
        },
    )


def _signal(measured: Measurements, own: NDArray[np.bool_]) -> Signal:
    names = ("rms_db", "peak_db", "noise_floor_db", "dc_offset", "leading_ms", "trailing_ms")
    return Signal(
        clips=int(own.sum()),
        clipped_clips=int((measured.clipped_share[own] > 0).sum()),
        length_ms=float(np.median(measured.lengths_ms[own])),
        **{name: float(np.median(getattr(measured, name)[own])) for name in names},
    )


def _counts(values: Iterable[Any]) -> Counts:
    counted = Counter(UNKNOWN if value is None else str(value) for value in values)
    return dict(sorted(counted.items(), key=lambda item: item[0].zfill(12) if item[0].isdecimal() else item[0]))
