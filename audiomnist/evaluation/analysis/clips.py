"""Measurements of every clip from one pass over the sound, of which nothing else is kept."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import decode, map_in_order, mono
from audiomnist.containers import Header
from audiomnist.corpus.measures import Loudness, measure
from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError, count
from audiomnist.progress import Show, unseen

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measurements:
    """What was measured of the clips that can be read, in the order of ``corpus``; units as in ``Loudness``.

    Attributes
    ----------
    corpus : Corpus
        The clips that can be read.
    unreadable : tuple of str
        What is wrong with each of the others.
    bit_depths : int64 array [n_clips]
        0 where the coding has no such thing.
    """

    corpus: Corpus
    unreadable: tuple[str, ...]
    n_samples: NDArray[np.int64]
    sample_rates: NDArray[np.int64]
    n_channels: NDArray[np.int64]
    bit_depths: NDArray[np.int64]
    peak_db: Values
    rms_db: Values
    noise_floor_db: Values
    dc_offset: Values
    clipped_share: Values
    leading_ms: Values
    trailing_ms: Values

    @property
    def lengths_ms(self) -> Values:
        """Length of each clip in milliseconds: float64 array [n_clips]."""
        return 1000 * self.n_samples / self.sample_rates


def measure_clips(corpus: Corpus, *, jobs: int | None = None, progress: Show = unseen) -> Measurements:
    """Decode every clip once, on all cores, and measure it.

    Raises DataError if no clip can be read.
    """
    measured: list[tuple[int, Header, Loudness]] = []
    unreadable: list[str] = []
    for clip, result in enumerate(map_in_order(lambda clip: _measure(corpus, clip), range(len(corpus)), jobs)):
        if isinstance(result, DataError):
            unreadable.append(result.message)
        else:
            measured.append((clip, *result))
        progress(clip + 1, len(corpus))
    if not measured:
        hint = "see: audiomnist validate --deep --data PLACE"
        raise DataError(f"none of {count(len(corpus), 'clip')} can be read", hint)
    kept, headers, loudness = zip(*measured, strict=True)
    shapes = [(of.n_frames, of.sample_rate, of.n_channels, of.bit_depth or 0) for of in headers]
    return Measurements(
        corpus.select(kept),
        tuple(unreadable),
        *np.array(shapes, dtype=np.int64).T.copy(),
        *np.array([astuple(of) for of in loudness], dtype=np.float64).T.copy(),
    )


def _measure(corpus: Corpus, clip: int) -> tuple[Header, Loudness] | DataError:
    try:
        samples, header = decode(corpus.file(clip))
    except DataError as error:
        return error
    return header, measure(mono(samples), header.sample_rate)
