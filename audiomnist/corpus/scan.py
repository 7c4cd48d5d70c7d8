"""From a folder or a manifest to a table of clips."""

import csv
import hashlib
import json
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, count
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.metadata import CHECKSUMS_NAME, FILE_NAME, read_speakers
from audiomnist.corpus.walk import is_file, walk
from audiomnist.errors import DataError, indented, printable

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})
MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl"})
CLASSES = tuple("0123456789")
_FINGERPRINT_VERSION = "v2"
_Row = tuple[str, int, str, int, tuple[int, int]]  # path, digit, speaker, repetition, stamp
_CLIP_NAME = re.compile(r"(\d)_([^_]+(?:_[^_]+)*)_(\d+)")  # digit, speaker, repetition


@dataclass(frozen=True)
class Corpus:
    """A table of clips in a stable order: sorted by path, or as the manifest lists them.

    Attributes
    ----------
    root : Path
        Folder that ``paths`` are relative to.
    layout : str
        ``audiomnist``, ``fsdd`` or ``manifest``.
    paths : tuple of str
        Relative, with forward slashes.
    digits : int64 array [n_clips]
    speakers : str array [n_clips]
    repetitions : int64 array [n_clips]
    stamps : int64 array [n_clips, 2]
        Size in bytes and time of change in nanoseconds, by which a changed file is known.
    sources : int64 array [n_clips]
        Which of ``source_names`` each clip comes from; 0 for all of them unless corpora were joined.
    source_names : tuple of str
        The corpora that were joined, this one first.
    columns : mapping of str to object array [n_clips]
        Whatever else is known of the clips: gender, accent, age, origin, native, room, or a manifest's columns.
    strays : tuple of str
        Files under the root that are no clips of this layout.
    corrections : tuple of str
        Metadata entries that were put right on reading.
    """

    root: Path
    layout: str
    paths: tuple[str, ...]
    digits: NDArray[np.int64]
    speakers: NDArray[np.str_]
    repetitions: NDArray[np.int64]
    stamps: NDArray[np.int64]
    sources: NDArray[np.int64]
    source_names: tuple[str, ...]
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    strays: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def fingerprint(self) -> str:
        """What this corpus is, as a hash: equal only if no path, stamp, digit, speaker or column changed.

        It begins with the version of this rule; fingerprints of different versions say nothing of each other.
        """
        digest = hashlib.sha256("\0".join(sorted(self.columns)).encode("utf-8", "backslashreplace"))
        known = [self.columns[name].tolist() for name in sorted(self.columns)]
        rows = zip(self.paths, self.stamps.tolist(), self.digits.tolist(), self.speakers.tolist(), *known, strict=True)
        for path, stamp, *facts in rows:
            values = "\0".join("\1" if fact is None else str(fact) for fact in facts)
            digest.update(f"\n{path}\0{stamp}\0{values}".encode("utf-8", "backslashreplace"))
        return f"{_FINGERPRINT_VERSION}-{digest.hexdigest()[:16]}"

    def file(self, clip: int) -> Path:
        """Return the full path of a clip, by its index."""
        return self.root / self.paths[clip]

    def joined(self, other: "Corpus", name: str) -> "Corpus":
        """Return this corpus with the clips of another behind its own; their speakers become ``<name>:<speaker>``.

        A name that is taken gets a number. Columns that one side lacks are None there. More corpora may follow.

        Raises
        ------
        DataError
            If a file is in both.
        """
        own, others = ({str(corpus.file(clip).resolve()) for clip in range(len(corpus))} for corpus in (self, other))
        if shared := own & others:
            raise DataError(
                f"{printable(min(shared))} is in two corpora of this training", "name another corpus with --extra-data"
            )
        numbered = (f"{name}-{number}" for number in count(2))
        unique = next(word for word in chain([name], numbered) if word not in self.source_names)
        unknown = [np.full(len(corpus), None, dtype=object) for corpus in (self, other)]
        return replace(
            self,
            paths=(*self.paths, *(str(other.root.resolve() / path) for path in other.paths)),
            digits=np.concatenate([self.digits, other.digits]),
            speakers=np.concatenate([self.speakers, [f"{unique}:{speaker}" for speaker in other.speakers.tolist()]]),
            repetitions=np.concatenate([self.repetitions, other.repetitions]),
            stamps=np.concatenate([self.stamps, other.stamps]),
            sources=np.concatenate([self.sources, np.full(len(other), len(self.source_names))]),
            source_names=(*self.source_names, unique),
            columns={
                column: np.concatenate(
                    [self.columns.get(column, unknown[0]), other.columns.get(column, unknown[1])], dtype=object
                )
                for column in {**self.columns, **other.columns}
            },
        )

    def select(self, clips: Sequence[int] | NDArray[np.int64]) -> "Corpus":
        """Return the corpus of these clips only, in this order."""
        chosen = np.asarray(clips, dtype=np.int64)
        return replace(
            self,
            paths=tuple(self.paths[clip] for clip in chosen),
            digits=self.digits[chosen],
            speakers=self.speakers[chosen],
            repetitions=self.repetitions[chosen],
            stamps=self.stamps[chosen],
            sources=self.sources[chosen],
            columns={name: values[chosen] for name, values in self.columns.items()},
        )


def scan(place: Path) -> Corpus:
    """Find the clips at ``place`` and recognise their layout by looking.

    Layouts: AudioMNIST (``<SS>/<digit>_<SS>_<rep>.wav``, with ``audioMNIST_meta.txt`` where there is one), FSDD
    (``<digit>_<speaker>_<index>.wav`` in any folder), and a ``.csv`` or ``.jsonl`` manifest with
    ``path,digit,speaker`` and any further columns, paths relative to the manifest.

    Raises
    ------
    DataError
        If there is no clip at all, or a manifest is broken; every broken line is named.
    """
    corpus = _from_manifest(place) if place.is_file() else _from_folder(place)
    if not len(corpus):
        nothing = "an empty folder" if place.is_dir() else "no line but the header"
        found = f"nothing but {len(corpus.strays)} other files" if corpus.strays else nothing
        raise DataError(
            f"no clip in {place} ({found})",
            "clips are named <digit>_<speaker>_<number>.wav; for other names write a manifest (path,digit,speaker)",
        )
    return corpus


def _from_folder(root: Path) -> Corpus:
    if not root.is_dir():
        raise DataError(f"{root} is neither a folder nor a file", "give --data a folder of clips or a manifest")

    def failed(folder: str, error: OSError) -> None:
        raise DataError(f"cannot list {root / folder}: {error.strerror}", "check its permissions") from error

    rows: list[_Row] = []
    strays: list[str] = []
    own_folders = True
    for path, entry in sorted(walk(root, failed), key=itemgetter(0)):
        folder, _, name = path.rpartition("/")
        stem, suffix = posixpath.splitext(name)
        is_audio = suffix.lower() in AUDIO_SUFFIXES and path.isprintable()
        match = _CLIP_NAME.fullmatch(stem) if is_audio else None
        if match is None or not is_file(entry):
            if name not in {FILE_NAME, CHECKSUMS_NAME}:
                strays.append(path.encode("utf-8", "backslashreplace").decode())
            continue
        digit, speaker, repetition = match.groups()
        status = entry.stat()
        stamp = status.st_size, status.st_mtime_ns
        rows.append((path, int(digit), speaker, int(repetition), stamp))
        own_folders &= posixpath.basename(folder) == speaker
    corpus = _table(root, "audiomnist" if rows and own_folders else "fsdd", rows, strays)
    metadata = next((path for path in (root / FILE_NAME, root / "data" / FILE_NAME) if path.exists()), None)
    if metadata is None:
        return corpus
    known = read_speakers(metadata)
    speakers = corpus.speakers.tolist()
    columns = {
        name: np.array([of_speaker.get(speaker) for speaker in speakers], dtype=object)
        for name, of_speaker in known.columns.items()
    }
    return replace(corpus, columns=columns, corrections=known.corrections)


def _from_manifest(manifest: Path) -> Corpus:
    if manifest.suffix.lower() not in MANIFEST_SUFFIXES:
        raise DataError(f"{manifest} is not a corpus", "give --data a folder, or a manifest ending in .csv or .jsonl")
    read = _read_csv if manifest.suffix.lower() == ".csv" else _read_json_lines
    rows: dict[str, _Row] = {}
    faults: list[str] = []
    extra: list[dict[str, Any]] = []
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as lines:
            for number, entry in read(lines):
                try:
                    row = _manifest_row(manifest.parent, entry, len(rows))
                    if row[0] in rows:
                        raise ValueError(f"{row[0]} is listed already")
                except ValueError as error:
                    faults.append(f"line {number}: {error}")
                else:
                    rows[row[0]] = row
                    extra.append(entry or {})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {manifest}: {error}", "mend the manifest") from error
    if faults:
        raise DataError(
            f"{manifest}: {len(faults)} lines are wrong\n{indented(faults)}",
            "each line needs path (relative to the manifest), digit and speaker",
        )
    names = {name for entry in extra for name in entry} - {"path", "digit", "speaker"}
    columns = {name: np.array([entry.get(name) for entry in extra], dtype=object) for name in sorted(names)}
    return replace(_table(manifest.parent, "manifest", list(rows.values()), []), columns=columns)


def _manifest_row(root: Path, entry: dict[str, Any] | None, number: int) -> _Row:
    """Return a clip from a manifest's line; raise ValueError with what is wrong with it."""
    if entry is None:
        raise ValueError("not a JSON object")
    values = []
    for key in ("path", "digit", "speaker"):
        value = entry.get(key)
        if value is None or not str(value).strip():
            raise ValueError(f"no {key}")
        values.append(str(value).strip())
    path, digit, speaker = posixpath.normpath(values[0]), *values[1:]
    if digit not in CLASSES:
        raise ValueError(f"digit {digit!r} is not one of 0-9")
    try:
        status = (root / path).stat()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path}: not a file")
    return path, int(digit), speaker, number, (status.st_size, status.st_mtime_ns)


def _read_csv(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | None]]:
    reader = csv.DictReader(lines)
    for entry in reader:
        yield reader.line_num, {key: value for key, value in entry.items() if key and value is not None}


def _read_json_lines(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | None]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            yield number, entry if isinstance(entry, dict) else None


def _table(root: Path, layout: str, rows: list[_Row], strays: list[str]) -> Corpus:
    return Corpus(
        root=root,
        layout=layout,
        paths=tuple(row[0] for row in rows),
        digits=np.array([row[1] for row in rows], dtype=np.int64),
        speakers=np.array([row[2] for row in rows], dtype=np.str_),
        repetitions=np.array([row[3] for row in rows], dtype=np.int64),
        stamps=np.array([row[4] for row in rows], dtype=np.int64).reshape(-1, 2),
        sources=np.zeros(len(rows), dtype=np.int64),
        source_names=(root.resolve().name,),
        strays=tuple(strays),
    )
