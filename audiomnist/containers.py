"""What the bytes of a sound file say before anybody decodes it: its kind, its header, whether it is all there."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from typing import BinaryIO

_UNKNOWN_SIZE = 0xFFFFFFFF
_PLAIN_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")  # RIFF size WAVE, fmt size and its six fields, data size
_PCM = 1
_ID3_HEADER_BYTES = 10
_OGG_PAGE_BYTES = 27
_LONGEST_OGG_PAGE = _OGG_PAGE_BYTES + 255 + 255 * 255
_LAST_OGG_PAGE = 4


class Fault(Exception):
    """Kind and reason of an ``audio.BadSound``, raised where the file's name is not known."""


@dataclass(frozen=True)
class Header:
    """What a file says of its sound; ``bit_depth`` is None where the coding has none."""

    sample_rate: int
    n_channels: int
    n_frames: int
    bit_depth: int | None


def plain_wav(file: FileIO, n_bytes: int) -> Header | None:
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
    return Header(rate_hz, n_channels, size // frame_size, bits)


def is_length_guessed(file: FileIO, size: int) -> bool:
    """Return whether libsndfile guesses a file's length from its first frame, and reads no further.

    Raises Fault if a file is of another kind, or a WAV or OGG file that ends before its sound does.
    """
    start, position = _at(file, 0, 12), 0
    if start[:3] == b"ID3":  # a tag before the sound; its size has 7 bits in a byte
        position = _ID3_HEADER_BYTES + sum(byte << 7 * place for place, byte in enumerate(start[9:5:-1]))
        start = _at(file, position, 12)
    if is_mp3(start):
        first = _at(file, position, 64)
        return not any(tag in first for tag in (b"Xing", b"Info", b"VBRI"))
    if start[:4] == b"OggS" and not position:
        if _is_incomplete_ogg(_at(file, max(0, size - _LONGEST_OGG_PAGE), _LONGEST_OGG_PAGE)):
            raise Fault("truncated", "the file ends before the last page of the sound")
    elif start[:4] in {b"RIFF", b"RF64"} and start[8:12] == b"WAVE" and not position:
        if missing := _missing_wav_bytes(file, size):
            raise Fault("truncated", f"the file ends {missing:,} bytes before the end of the sound it declares")
    elif start[:4] != b"fLaC":
        raise Fault("unreadable", "neither WAV nor FLAC, OGG or MP3")
    return False


def is_mp3(start: bytes) -> bool:
    """Return whether these bytes begin a frame of MPEG audio."""
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
