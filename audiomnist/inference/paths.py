"""Recordings that a user names: files, folders with all that is in them, and standard input."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from audiomnist.audio import MOST_BYTES
from audiomnist.containers import wav_chunks
from audiomnist.errors import DataError

STDIN = "-"
SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3"})


def recordings(places: Sequence[str]) -> Iterator[Path]:
    """Yield files as they are named, and those of folders and their subfolders by name; folders are not read ahead.

    Raises DataError if a place does not exist, or is a folder without recordings.
    """
    for place in map(Path, places):
        if not place.exists():
            raise DataError(f"{place}: there is no such file or folder", "check the path")
    for place in map(Path, places):
        if not place.is_dir():
            yield place
            continue
        found = False
        for path in _below(place):
            found = True
            yield path
        if not found:
            known = ", ".join(sorted(SUFFIXES))
            raise DataError(f"{place}: no recordings in this folder", f"names of recordings end with {known}")


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122, ten times faster
                yield Path(parent, name)


@contextmanager
def from_stdin(stream: BinaryIO) -> Iterator[Path]:
    """Give a file with the recording that comes from a stream; a WAV may leave open how long it is, as from a pipe.

    Raises DataError if there is nothing, or too much.
    """
    content = stream.read(MOST_BYTES + 1)
    if not content:
        raise DataError(
            "standard input is empty", "pipe a recording into it: arecord -d 2 -f S16_LE | audiomnist predict -"
        )
    if len(content) > MOST_BYTES:
        raise DataError(f"standard input holds more than {MOST_BYTES:,} bytes", "name a file instead")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stdin")
        path.write_bytes(with_known_sizes(content))
        yield path


def with_known_sizes(wav: bytes) -> bytes:
    """Return a WAV with the sizes in its header set to what is there, where they claim more or nothing."""
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        return wav
    frame_size = 1
    for name, begin, length in wav_chunks(BytesIO(wav)):
        present = len(wav) - begin
        if name == b"fmt ":
            frame_size = max(1, int.from_bytes(wav[begin + 12 : begin + 14], "little"))
        if name == b"data" and (length > present or length == 0):
            known = bytearray(wav)
            struct.pack_into("<I", known, 4, len(wav) - 8)
            struct.pack_into("<I", known, begin - 4, present - present % frame_size)
            return bytes(known)
    return wav
