"""What the samples of a recording say: level, clipping, silence."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiomnist.corpus.headers import Header, header_of, plain_wav
from audiomnist.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")
Samples = NDArray[np.float32]

QUIETEST_DB = -120.0
FULL_SCALE = 0.9995
CLIPPED_RUN_SAMPLES = 3
_FRAME_MS = 10
_SOUND_BELOW_PEAK_DB = 35.0


@dataclass(frozen=True)
class Loudness:
    """Figures of one clip's samples; levels in dB below full scale.

    Attributes
    ----------
    noise_floor_db : float
        Level of the quietest tenth of the frames of 10 ms.
    clipped_share : float
        Part of the samples that stand at full scale, three or more in a row.
    leading_ms, trailing_ms : float
        Before the first and after the last frame within 35 dB of the loudest one.
    """

    peak_db: float
    rms_db: float
    noise_floor_db: float
    dc_offset: float
    clipped_share: float
    leading_ms: float
    trailing_ms: float


def decode(path: Path) -> tuple[Samples, Header]:
    """Read a whole recording.

    Returns
    -------
    samples : float32 array [L, n_channels]
        Full scale is 1.
    header : Header

    Raises
    ------
    DataError
        If it cannot be decoded.
    """
    try:
        with path.open("rb", buffering=0) as file:
            header = plain_wav(file)
            if header is not None and header.bit_depth == 16:  # soundfile takes ten times as long to open a file
                samples = np.frombuffer(file.read(), "<i2").reshape(-1, header.n_channels)
                return samples.astype(np.float32) * np.float32(2**-15), header
        with soundfile.SoundFile(path) as sound:
            return sound.read(dtype="float32", always_2d=True), header_of(sound)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be decoded ({error})", "remove the file or replace it") from error


def measure(samples: Samples, sample_rate: int) -> Loudness:
    """Measure a mono clip.

    Parameters
    ----------
    samples : float32 array [L]
        At least one, all finite.
    sample_rate : int
        Hz.
    """
    frame_length = max(1, sample_rate * _FRAME_MS // 1000)
    n_frames = -(-len(samples) // frame_length)
    squares = np.zeros(n_frames * frame_length, np.float32)
    np.square(samples, out=squares[: len(samples)])
    counts = np.full(n_frames, frame_length)
    counts[-1] = len(samples) - (n_frames - 1) * frame_length
    frames_db = _decibels(np.sqrt(squares.reshape(n_frames, frame_length).sum(1) / counts))
    sounding = np.flatnonzero(frames_db >= frames_db.max() - _SOUND_BELOW_PEAK_DB)
    to_ms = 1000 * frame_length / sample_rate
    return Loudness(
        peak_db=float(_decibels(np.abs(samples).max())),
        rms_db=float(_decibels(np.sqrt(np.mean(squares[: len(samples)])))),
        noise_floor_db=float(np.quantile(frames_db, 0.1, method="lower")),
        dc_offset=float(samples.mean()),
        clipped_share=n_clipped(samples) / len(samples),
        leading_ms=float(sounding[0] * to_ms),
        trailing_ms=float((n_frames - 1 - sounding[-1]) * to_ms),
    )


def n_clipped(samples: Samples) -> int:
    """Return how many samples stand at full scale, three or more in a row.

    Parameters
    ----------
    samples : float32 array [L]
    """
    at_full_scale = np.abs(samples) >= FULL_SCALE
    if not at_full_scale.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], at_full_scale.view(np.int8), [0]))))
    runs = edges[1::2] - edges[::2]
    return int(runs[runs >= CLIPPED_RUN_SAMPLES].sum())


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int | None = None
) -> Iterator[Result]:
    """Yield a function's results in order, on all cores, with few of them waiting at a time."""
    n_threads = jobs or os.cpu_count() or 1
    pool = ThreadPoolExecutor(n_threads)
    under_way: deque[Future[Result]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(function, item))
            if len(under_way) > 4 * n_threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decibels(amplitude: NDArray[np.floating]) -> NDArray[np.floating]:
    decibels: NDArray[np.floating] = 20 * np.log10(np.maximum(amplitude, 10 ** (QUIETEST_DB / 20)))
    return decibels
