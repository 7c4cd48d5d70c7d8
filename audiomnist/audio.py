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
from dataclasses import dataclass
from io import FileIO
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray

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
_UNKNOWN_SIZE = 0xFFFFFFFF
_PLAIN_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")  # RIFF size WAVE, fmt size and its six fields, data size
_PCM = 1
_ID3_HEADER_BYTES = 10
_OGG_PAGE_BYTES = 27
_LONGEST_OGG_PAGE = _OGG_PAGE_BYTES + 255 + 255 * 255
_LAST_OGG_PAGE = 4
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


class _Fault(Exception):
    """Kind and reason of a ``BadSound``, raised where the file's name is not known."""


@dataclass(frozen=True)
class Header:
    """What a file says of its sound; ``bit_depth`` is None where the coding has none."""

    sample_rate: int
    n_channels: int
    n_frames: int
    bit_depth: int | None


def header(path: StrPath) -> Header:
    """Return what a file says of its sound.

    Raises BadSound if it is no recording, empty or cut off, or if its length, rate or channels are beyond the limits.
    """
    with _opened(path) as (file, size):
        if plain := _plain_wav(file, size):
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
        declared = _plain_wav(file, size)
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
            raise _Fault("silent", f"never louder than {SILENT_BELOW_DB:.0f} dB of full scale")
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
                raise _Fault("unreadable", "not a regular file")
            if not status.st_size:
                raise _Fault("empty", "the file has 0 bytes")
            if status.st_size > MOST_BYTES:
                raise _Fault("beyond limits", f"{status.st_size:,} bytes; at most {MOST_BYTES:,} are read")
            yield file, status.st_size
    except _Fault as fault:
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
    is_guess = _is_length_guessed(file, size)
    file.seek(0)
    with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
        declared = Header(sound.samplerate, sound.channels, sound.frames, _BITS.get(sound.subtype))
        _refuse_beyond_limits(declared, of_any_length=of_any_length)
        yield sound, declared
        if is_guess and _is_mp3(file.read(2)):
            raise _Fault("unreadable", "MP3 of variable bit rate without the tag that says how long it is")


def _parts(sound: soundfile.SoundFile, n_samples: int) -> Iterator[Samples]:
    """Yield a recording in parts, as long as there is any; ``SoundFile.blocks`` does not see where it ends early."""
    while len(samples := sound.read(n_samples, dtype="float32", always_2d=True)):
        yield samples


def _refuse_beyond_limits(declared: Header, *, of_any_length: bool = False) -> None:
    rate_hz, n_channels, n_frames = declared.sample_rate, declared.n_channels, declared.n_frames
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        reason = f"{rate_hz:,} Hz; recordings have {LOWEST_RATE_HZ:,} to {HIGHEST_RATE_HZ:,} Hz"
        raise _Fault("beyond limits", reason)
    if not 1 <= n_channels <= MOST_CHANNELS:
        raise _Fault("beyond limits", f"{n_channels:,} channels; recordings have 1 to {MOST_CHANNELS}")
    if not n_frames:
        raise _Fault("empty", "the header is complete, but no sample follows")
    if n_frames >= 2**62:  # what libsndfile returns for an unknown length
        raise _Fault("unreadable", "the header does not say how long the recording is")
    is_long = n_frames > LONGEST_S * rate_hz or n_frames * n_channels > MOST_SAMPLES
    if is_long and not of_any_length:
        length = f"{n_frames / rate_hz:,.0f} seconds at {rate_hz:,} Hz, {n_channels} channels"
        raise _Fault("beyond limits", f"{length}, is too long to be read")


def _refuse_shorter(n_decoded: int, declared: Header) -> None:
    if n_decoded < declared.n_frames:
        reason = f"{n_decoded:,} of the {declared.n_frames:,} samples that the header declares can be decoded"
        raise _Fault("truncated", reason)


def _refuse_absurd(samples: Samples) -> None:
    loudest = _peak(samples)  # NaN if any sample is
    if loudest <= LOUDEST:
        return
    if n_wrong := samples.size - np.count_nonzero(np.isfinite(samples)):
        raise _Fault("NaN or infinite", f"holds NaN or infinite samples ({n_wrong:,} of {samples.size:,})")
    raise _Fault("too loud", f"a sample of {loudest:.3g}, where full scale is 1")


def _peak(samples: Samples) -> float:
    return max(float(samples.max()), -float(samples.min()))


def _is_length_guessed(file: FileIO, size: int) -> bool:
    """Return whether libsndfile guesses a file's length from its first frame, and reads no further.

    Refuse a file of another kind, and a WAV or OGG file that ends before its sound does.
    """
    start, position = _at(file, 0, 12), 0
    if start[:3] == b"ID3":  # a tag before the sound; its size has 7 bits in a byte
        position = _ID3_HEADER_BYTES + sum(byte << 7 * place for place, byte in enumerate(start[9:5:-1]))
        start = _at(file, position, 12)
    if _is_mp3(start):
        first = _at(file, position, 64)
        return not any(tag in first for tag in (b"Xing", b"Info", b"VBRI"))
    if start[:4] == b"OggS" and not position:
        if _is_incomplete_ogg(_at(file, max(0, size - _LONGEST_OGG_PAGE), _LONGEST_OGG_PAGE)):
            raise _Fault("truncated", "the file ends before the last page of the sound")
    elif start[:4] in {b"RIFF", b"RF64"} and start[8:12] == b"WAVE" and not position:
        if missing := _missing_wav_bytes(file, size):
            raise _Fault("truncated", f"the file ends {missing:,} bytes before the end of the sound it declares")
    elif start[:4] != b"fLaC":
        raise _Fault("unreadable", "neither WAV nor FLAC, OGG or MP3")
    return False


def _is_mp3(start: bytes) -> bool:
    return start[:1] == b"\xff" and start[1:2] >= b"\xe0"


def wav_chunks(file: BinaryIO | FileIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the chunks of a WAV file: name, where the content begins, and the length in bytes that is declared."""
    position = 12
    while len(start := _at(file, position, 8)) == 8:
        length = int.from_bytes(start[4:], "little")
        yield start[:4], position + 8, length
        position += 8 + length + length % 2


def _missing_wav_bytes(file: FileIO, size: int) -> int:
    long_length = None
    for name, begin, length in wav_chunks(file):
        if name == b"ds64":  # of RF64, whose other sizes may be unknown
            long_length = int.from_bytes(_at(file, begin + 8, 8), "little")
        if name == b"data":
            declared = long_length if length == _UNKNOWN_SIZE else length
            return 0 if declared is None else max(0, begin + declared - size)
    return 0


def _is_incomplete_ogg(tail: bytes) -> bool:
    """Return whether the last page (RFC 3533) is not marked as the last, or not whole."""
    page = tail[tail.rfind(b"OggS") :]
    segments = page[_OGG_PAGE_BYTES:][: page[26]] if len(page) > _OGG_PAGE_BYTES else b""
    return not segments or not page[5] & _LAST_OGG_PAGE or len(page) < _OGG_PAGE_BYTES + page[26] + sum(segments)


def _at(file: BinaryIO | FileIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count) or b""


def _plain_wav(file: FileIO, n_bytes: int) -> Header | None:
    """Return the header of a WAV file of the usual kind, which needs no soundfile, or None for any other.

    The usual kind is mono or stereo PCM from byte 44 to the end of the file. The samples are left to be read.
    """
    start = file.read(_PLAIN_WAV.size)
    if len(start) < _PLAIN_WAV.size:
        return None
    riff, _, wave, fmt, fmt_size, coding, n_channels, rate_hz, _, frame_size, bits, data, size = _PLAIN_WAV.unpack(
        start
    )
    usual = b"RIFF", b"WAVE", b"fmt ", 16, _PCM, b"data", n_bytes - len(start)
    if (riff, wave, fmt, fmt_size, coding, data, size) != usual:
        return None
    if n_channels not in {1, 2} or bits not in {8, 16, 24, 32} or not 0 < rate_hz < 2**31:
        return None
    if 8 * frame_size != n_channels * bits or size % frame_size or not size:
        return None
    declared = Header(rate_hz, n_channels, size // frame_size, bits)
    _refuse_beyond_limits(declared)
    return declared
