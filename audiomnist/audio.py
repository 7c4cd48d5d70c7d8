"""Reading recordings: what a header says, samples, one sample rate, many files at once."""

from __future__ import annotations

import math
import os
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiomnist.errors import ConfigError, DataError

if TYPE_CHECKING:
    import torch

Item = TypeVar("Item")
Result = TypeVar("Result")
Samples = NDArray[np.float32]

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_UNKNOWN_SIZE = 0xFFFFFFFF
_PLAIN_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")  # RIFF size WAVE, fmt size and its six fields, data size
_PCM = 1


@dataclass(frozen=True)
class Header:
    """What a file says of its sound; ``bit_depth`` is None where the coding has no such thing."""

    sample_rate: int
    n_channels: int
    n_frames: int
    bit_depth: int | None


def look_at(path: Path) -> tuple[Header, int]:
    """Return a recording's header, and by how many bytes the sound of a WAV file reaches past the end of the file.

    Raises
    ------
    DataError
        If there is no header that can be understood.
    """
    try:
        with path.open("rb", buffering=0) as file:
            plain = _plain_wav(file)
        if plain is not None:
            return plain, 0
        return header_of(soundfile.info(path)), _missing_wav_bytes(path)
    except (OSError, RuntimeError) as error:  # soundfile's own errors are RuntimeErrors
        raise DataError(f"{path}: cannot be read ({error})", "remove the file or replace it") from error


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
            header = _plain_wav(file)
            if header is not None and header.bit_depth == 16:  # soundfile takes ten times as long to open a file
                samples = np.frombuffer(file.read(), "<i2").reshape(-1, header.n_channels)
                return samples.astype(np.float32) * np.float32(2**-15), header
        with soundfile.SoundFile(path) as sound:
            return sound.read(dtype="float32", always_2d=True), header_of(sound)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be decoded ({error})", "remove the file or replace it") from error


def read(path: Path) -> tuple[torch.Tensor, int]:
    """Read a recording as mono; several channels are averaged.

    Returns
    -------
    samples : Tensor[L]
        float32, full scale is 1.
    sample_rate : int
        Hz.

    Raises
    ------
    DataError
        If the file cannot be decoded, is empty, or holds values that are no numbers.
    """
    import torch

    samples, header = decode(path)
    if not len(samples):
        raise DataError(f"{path}: holds no samples", "remove the file or replace it")
    clip = torch.from_numpy(samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1))
    if not math.isfinite(float(clip.sum())):
        raise DataError(f"{path}: holds NaN or infinite samples", "remove the file or replace it")
    return clip, header.sample_rate


def resample(samples: torch.Tensor, from_hz: int, to_hz: int) -> torch.Tensor:
    """Resample by windowed sinc interpolation, as ``torchaudio.transforms.Resample`` does.

    Parameters
    ----------
    samples : Tensor[..., L]

    Returns
    -------
    Tensor[..., ceil(L * to_hz / from_hz)]
    """
    return samples if from_hz == to_hz else _resampler(from_hz, to_hz)(samples)


@lru_cache(maxsize=16)
def _resampler(from_hz: int, to_hz: int) -> Any:
    return import_torchaudio().transforms.Resample(from_hz, to_hz)


def import_torchaudio() -> Any:
    """Import torchaudio, or say how to get one that fits the installed torch.

    Raises
    ------
    ConfigError
        If it cannot load: its compiled part refuses a torch built for the CPU or for another CUDA.
    """
    import torch

    try:
        import torchaudio
        import torchaudio.transforms
    except (ImportError, OSError, RuntimeError) as error:
        channel = "cpu" if torch.version.cuda is None else f"cu{torch.version.cuda.replace('.', '')}"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"torchaudio does not load beside torch {torch.__version__}: {reason}",
            "install a pair from one index: pip install --force-reinstall torch torchaudio "
            f"--index-url https://download.pytorch.org/whl/{channel}",
        ) from error
    return torchaudio


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


def header_of(sound: Any) -> Header:
    """Return what soundfile knows of an open recording."""
    return Header(sound.samplerate, sound.channels, sound.frames, _BITS.get(sound.subtype))


def _missing_wav_bytes(path: Path) -> int:
    """Return by how much the data chunk of a WAV file reaches past the end of the file; 0 for other formats."""
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        size, position = os.fstat(file.fileno()).st_size, 12
        while position + 8 <= size:
            file.seek(position)
            chunk = file.read(8)
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return 0 if length == _UNKNOWN_SIZE else max(0, position + 8 + length - size)
            position += 8 + length + length % 2
    return 0


def _plain_wav(file: FileIO) -> Header | None:
    """Read the header of a WAV file of the usual kind, which needs no soundfile; return None for everything else.

    That is whole samples of mono or stereo PCM from byte 44 to the end of the file; they are what is left to be read.
    """
    start = file.read(_PLAIN_WAV.size)
    if len(start) < _PLAIN_WAV.size:
        return None
    n_bytes = os.fstat(file.fileno()).st_size - len(start)
    riff, _, wave, fmt, fmt_size, coding, n_channels, rate_hz, _, frame_size, bits, data, size = _PLAIN_WAV.unpack(
        start
    )
    of_usual_kind = b"RIFF", b"WAVE", b"fmt ", 16, _PCM, b"data", n_bytes
    if (riff, wave, fmt, fmt_size, coding, data, size) != of_usual_kind:
        return None
    if n_channels not in {1, 2} or bits not in {8, 16, 24, 32} or not 0 < rate_hz < 2**31:
        return None
    if 8 * frame_size != n_channels * bits or size % frame_size or not size:
        return None
    return Header(rate_hz, n_channels, size // frame_size, bits)
