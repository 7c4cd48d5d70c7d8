"""What a recording says of itself in its header."""

import os
import struct
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import soundfile

from audiomnist.errors import DataError

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
            plain = plain_wav(file)
        if plain is not None:
            return plain, 0
        return header_of(soundfile.info(path)), _missing_wav_bytes(path)
    except (OSError, RuntimeError) as error:  # soundfile's own errors are RuntimeErrors
        raise DataError(f"{path}: cannot be read ({error})", "remove the file or replace it") from error


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


def plain_wav(file: FileIO) -> Header | None:
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
