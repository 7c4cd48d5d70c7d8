"""Reading recordings: headers, samples, one sample rate, many files at once.

Recordings are untrusted input. Only WAV, FLAC, OGG and MP3, recognised by their first bytes, reach libsndfile, and only
within the limits below. Whatever is wrong with a file is one ``BadSound`` that names it.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiomnist.containers import Fault, Header, is_length_guessed, is_mp3, plain_wav
from audiomnist.errors import DataError, printable

Item = TypeVar("Item")
Result = TypeVar("Result")
Samples = NDArray[np.float32]
StrPath = str | Path

LOWEST_RATE_HZ = 4_000  # half of what a telephone has
HIGHEST_RATE_HZ = 192_000
MOST_CHANNELS = 32
LONGEST_S = 600
MOST_SAMPLES = 2**25  # of all channels: 10 minutes of mono at 48 kHz, 128 MiB once decoded
MOST_BYTES = 2**28
SILENT_BELOW_DB = -60.0
LOUDEST = 100.0  # 40 dB above full scale: only a damaged float file has more

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_BLOCK = 1 << 16  # samples


class BadSound(DataError):
    """A file that cannot be used as a recording.

    Attributes
    ----------
    kind : str
        ``unreadable``, ``empty``, ``truncated``, ``beyond limits``, ``NaN or infinite``, ``too loud`` or ``silent``.
    reason : str
        What exactly is wrong, without the file's name.
    """

    def __init__(self, path: StrPath, kind: str, reason: str) -> None:
        super().__init__(f"{printable(path)}: {reason}", "remove the file or replace it")
        self.kind = kind
        self.reason = reason


def header(path: StrPath) -> Header:
    """Return what a file says of its sound.

    Raises BadSound if it is no recording, empty or cut off, or if its length, rate or channels are beyond the limits.
    """
    with _opened(path) as (file, size):
        if plain := _usual_wav(file, size):
            return plain
        with _sound(file, size) as (sound, declared):
            if sound.format == "MP3":  # how long it is, is known once it is read
                _refuse_shorter(sum(map(len, _parts(sound, _BLOCK))), declared)
            return declared


def decode(path: StrPath, *, may_be_silent: bool = True) -> tuple[Samples, Header]:
    """Read a whole recording.

    Raises BadSound as for ``header``, and if it cannot be decoded to its end or holds NaN, infinite or absurd values;
    unless ``may_be_silent``, also if it is never louder than -60 dB of full scale.

    Returns
    -------
    samples : float32 array [L, n_channels]
        Full scale is 1; at least one, all finite.
    header : Header
    """
    with _opened(path) as (file, size):
        declared = _usual_wav(file, size)
        if declared and declared.bit_depth == 16:  # soundfile takes ten times as long to open a file
            whole = np.frombuffer(file.read(), "<i2").reshape(-1, declared.n_channels)
            samples = whole.astype(np.float32)
            samples *= np.float32(2**-15)
        else:
            with _sound(file, size) as (sound, declared):
                samples = sound.read(dtype="float32", always_2d=True)
            _refuse_absurd(samples)
        _refuse_shorter(len(samples), declared)
        if not may_be_silent and _peak(mono(samples)) < 10 ** (SILENT_BELOW_DB / 20):
            raise Fault("silent", f"never louder than {SILENT_BELOW_DB:.0f} dB of full scale")
    return samples, declared


def read(path: StrPath, *, may_be_silent: bool = True) -> tuple[Samples, int]:
    """Read a recording as ``decode`` does, its channels averaged: float32 array [L] and the rate in Hz."""
    samples, declared = decode(path, may_be_silent=may_be_silent)
    return mono(samples), declared.sample_rate


def blocks(path: StrPath, seconds: float) -> Iterator[tuple[Samples, int]]:
    """Yield a recording of any length in mono blocks, float32 arrays [seconds * rate] or shorter, with the rate in Hz.

    Raises BadSound as ``decode`` does, once the fault is reached.
    """
    with _opened(path) as (file, size), _sound(file, size, of_any_length=True) as (sound, declared):
        n_read = 0
        for samples in _parts(sound, round(seconds * declared.sample_rate)):
            _refuse_absurd(samples)
            n_read += len(samples)
            yield mono(samples), declared.sample_rate
        _refuse_shorter(n_read, declared)


def mono(samples: Samples) -> Samples:
    """Return the mean of the channels of float32 array [L, n_channels]: float32 array [L]."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)


def digest(samples: Samples, sample_rate: int) -> bytes:
    """Return 16 bytes that are equal for equal sound, in whatever file; of samples and rate as ``read`` gives them."""
    sound = np.ascontiguousarray(samples, "<f4").data.cast("B")
    seed = zlib.crc32(struct.pack("<2Q", sample_rate, len(sound)))
    bounds = [len(sound) * quarter // 4 for quarter in range(5)]
    # A checksum of each quarter, as a hash of the whole would take as long as the Fourier transform.
    return b"".join(struct.pack("<I", zlib.crc32(sound[start:end], seed)) for start, end in pairwise(bounds))


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Resample float32 array [L] with soxr, quality HQ, to float32 array [round(L * to_hz / from_hz)], at least one.

    Time and memory do not depend on the greatest common divisor of the two rates.
    """
    if from_hz == to_hz:
        return samples
    import soxr

    resampled: Samples = soxr.resample(samples, from_hz, to_hz, quality="HQ")
    return resampled if len(resampled) else samples[:1]


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int | None = None
) -> Iterator[Result]:
    """Yield a function's results in order, computed on all cores with few of them waiting at a time."""
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


@contextmanager
def _opened(path: StrPath) -> Iterator[tuple[FileIO, int]]:
    """Open a recording and return it with its size in bytes; whatever fails inside becomes a ``BadSound``."""
    try:
        with FileIO(path, opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Fault("unreadable", "not a regular file")
            if not status.st_size:
                raise Fault("empty", "the file has 0 bytes")
            if status.st_size > MOST_BYTES:
                raise Fault("beyond limits", f"{status.st_size:,} bytes; at most {MOST_BYTES:,} are read")
            yield file, status.st_size
    except Fault as fault:
        raise BadSound(path, *fault.args) from None
    except OSError as error:
        raise BadSound(path, "unreadable", f"cannot be read ({error.strerror or error})") from error
    # soundfile's own errors are RuntimeErrors; the others come from sizes that no memory or integer can hold
    except (RuntimeError, ValueError, MemoryError, OverflowError) as error:
        reason = str(getattr(error, "error_string", error)).strip() or type(error).__name__
        raise BadSound(path, "unreadable", f"cannot be decoded ({printable(reason)})") from error


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a FIFO would wait for someone to write


@contextmanager
def _sound(file: FileIO, size: int, *, of_any_length: bool = False) -> Iterator[tuple[Any, Header]]:
    """Open a file with libsndfile if it is of a supported kind, complete and within the limits."""
    is_guess = is_length_guessed(file, size)
    file.seek(0)
    with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
        declared = Header(sound.samplerate, sound.channels, sound.frames, _BITS.get(sound.subtype))
        _refuse_beyond_limits(declared, of_any_length=of_any_length)
        yield sound, declared
        if is_guess and is_mp3(file.read(2)):
            raise Fault("unreadable", "MP3 of variable bit rate without the tag that says how long it is")


def _usual_wav(file: FileIO, size: int) -> Header | None:
    """Return the header of a WAV file of the usual kind if it is within the limits, None for any other file."""
    if declared := plain_wav(file, size):
        _refuse_beyond_limits(declared)
    return declared


def _parts(sound: soundfile.SoundFile, n_samples: int) -> Iterator[Samples]:
    """Yield a recording in parts, as long as there is any; ``SoundFile.blocks`` does not see where it ends early."""
    while len(samples := sound.read(n_samples, dtype="float32", always_2d=True)):
        yield samples


def _refuse_beyond_limits(declared: Header, *, of_any_length: bool = False) -> None:
    rate_hz, n_channels, n_frames = declared.sample_rate, declared.n_channels, declared.n_frames
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        reason = f"{rate_hz:,} Hz; recordings have {LOWEST_RATE_HZ:,} to {HIGHEST_RATE_HZ:,} Hz"
        raise Fault("beyond limits", reason)
    if not 1 <= n_channels <= MOST_CHANNELS:
        raise Fault("beyond limits", f"{n_channels:,} channels; recordings have 1 to {MOST_CHANNELS}")
    if not n_frames:
        raise Fault("empty", "the header is complete, but no sample follows")
    if n_frames >= 2**62:  # what libsndfile returns for an unknown length
        raise Fault("unreadable", "the header does not say how long the recording is")
    is_long = n_frames > LONGEST_S * rate_hz or n_frames * n_channels > MOST_SAMPLES
    if is_long and not of_any_length:
        length = f"{n_frames / rate_hz:,.0f} seconds at {rate_hz:,} Hz, {n_channels} channels"
        raise Fault("beyond limits", f"{length}, is too long to be read")


def _refuse_shorter(n_decoded: int, declared: Header) -> None:
    if n_decoded < declared.n_frames:
        reason = f"{n_decoded:,} of the {declared.n_frames:,} samples that the header declares can be decoded"
        raise Fault("truncated", reason)


def _refuse_absurd(samples: Samples) -> None:
    loudest = _peak(samples)  # NaN if any sample is
    if loudest <= LOUDEST:
        return
    if n_wrong := samples.size - np.count_nonzero(np.isfinite(samples)):
        raise Fault("NaN or infinite", f"holds NaN or infinite samples ({n_wrong:,} of {samples.size:,})")
    raise Fault("too loud", f"a sample of {loudest:.3g}, where full scale is 1")


def _peak(samples: Samples) -> float:
    return max(float(samples.max()), -float(samples.min()))
