"""Reading a manifest: a .csv or .jsonl file with a clip per line."""

import csv
import json
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomnist.errors import DataError, printable

MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl"})
Stamp = tuple[int, int]

_Entry = dict[str, Any] | str  # a line's values, or what is wrong with it

_NEEDED = ("path", "digit", "speaker")
_DIGITS = frozenset("0123456789")
_LATEST_NS = 2**63 - 1


@dataclass(frozen=True)
class Line:
    """A clip as a manifest names it."""

    path: str
    digit: str
    speaker: str
    stamp: Stamp


@dataclass(frozen=True)
class Manifest:
    """The clips of a manifest, what else it says of each, and what is wrong with its other lines."""

    lines: tuple[Line, ...]
    columns: dict[str, list[Any]]
    faults: tuple[str, ...]


def stamp(status: os.stat_result) -> Stamp:
    """Return size in bytes and time of change in nanoseconds, as far as 64 bits hold it: to the year 2262."""
    return status.st_size, max(-_LATEST_NS, min(status.st_mtime_ns, _LATEST_NS))


def read_manifest(path: Path) -> Manifest:
    """Read every line of a manifest.

    Raises
    ------
    DataError
        If the file is not a manifest, or no text.
    """
    if path.suffix.lower() not in MANIFEST_SUFFIXES:
        raise DataError(
            f"{printable(path)} is not a corpus", "give --data a folder, or a manifest ending in .csv or .jsonl"
        )
    read = _read_csv if path.suffix.lower() == ".csv" else _read_json_lines
    lines: dict[str, Line] = {}
    others: list[dict[str, Any]] = []
    faults: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for number, entry in read(text):
                try:
                    if isinstance(entry, str):
                        raise ValueError(entry)
                    line = _line(path.parent, entry)
                    if line.path in lines:
                        raise ValueError(f"{line.path} is listed already")
                except ValueError as error:
                    faults.append(f"line {number}: {error}")
                else:
                    lines[line.path] = line
                    others.append({printable(name): _plain(entry[name]) for name in entry if name not in _NEEDED})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {printable(path)}: {error}", "save it again as UTF-8 text") from error
    names = sorted({name for other in others for name in other})
    columns = {name: [other.get(name) for other in others] for name in names}
    return Manifest(tuple(lines.values()), columns, tuple(faults))


def _line(root: Path, entry: dict[str, Any]) -> Line:
    """Return the clip of a manifest's line; raise ValueError with what is wrong with it."""
    path, digit, speaker = (_word(entry, key) for key in _NEEDED)
    path = posixpath.normpath(path)
    if digit not in _DIGITS:
        raise ValueError(f"digit {digit!r} is not one of 0-9")
    try:
        status = (root / path).stat()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path}: not a regular file")
    return Line(path, digit, speaker, stamp(status))


def _word(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    word = "" if value is None else str(value).strip()
    if not word:
        raise ValueError(f"no {key}")
    if not word.isprintable() or isinstance(value, list | dict):
        raise ValueError(f"the {key} {printable(word)[:80]!r} is not plain text")
    return word


def _plain(value: Any) -> Any:
    """Return a value that fits a cell: numbers and None as they are, text without control characters."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return printable(value if isinstance(value, str) else json.dumps(value))


def _read_csv(lines: Iterable[str]) -> Iterator[tuple[int, _Entry]]:
    reader = csv.DictReader(lines)
    names = reader.fieldnames or []
    missing = [key for key in _NEEDED if key not in names]
    if names and missing:
        other = next((sign for sign in (";", "\t", "|") if len(names) == 1 and sign in names[0]), None)
        what = f"columns are separated by {other!r}; separate them by commas" if other else f"no {missing[0]} column"
        yield 1, f"{what} (the first line is {printable(','.join(names))[:80]!r})"
        return
    for entry in reader:
        yield reader.line_num, {key: value for key, value in entry.items() if key and value is not None}


def _read_json_lines(lines: Iterable[str]) -> Iterator[tuple[int, _Entry]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            yield number, entry if isinstance(entry, dict) else "not a JSON object"
