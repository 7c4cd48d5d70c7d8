"""What is at a place: one grammar makes a clip or a finding of every path, for training and for validation."""

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Literal, NamedTuple

from audiomnist.corpus.manifest import read_lines
from audiomnist.corpus.metadata import CHECKSUMS_NAME, FILE_NAME
from audiomnist.errors import DataError, printable

CLASSES = tuple("0123456789")
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})
DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NOISE_FOLDER = "_background_noise_"
OFFICIAL_LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
UNLISTED = "unreadable folder"

Layout = Literal["audiomnist", "fsdd", "speech-commands", "manifest"]
Severity = Literal["error", "warning"]
Stamp = tuple[int, int]

_SUFFIX = r"\.(?i:wav|flac|ogg|mp3)"
_SOUND = re.compile(f".*{_SUFFIX}", re.DOTALL)
_BY_NAME = re.compile(f"([^_]*)_([^_]+(?:_[^_]+)*)_([0-9]{{1,18}}){_SUFFIX}")  # digit, speaker, repetition
_BY_FOLDER = re.compile(f"([^_]{{2,}})_nohash_([0-9]{{1,18}}){_SUFFIX}")  # speaker, repetition; the folder is the word
_NUMBERED = re.compile(r"[0-9]{2}")
_LATEST_NS = 2**63 - 1


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a corpus.

    Attributes
    ----------
    kind : str
        Its heading in the table.
    severity : str
        ``error`` if the clip is left out of training, or nothing can be trained; ``warning`` if it is used as it is.
    path : str
        Relative to the corpus folder; a speaker and digit where no single file is at fault.
    detail : str
        What exactly is wrong.
    """

    kind: str
    severity: Severity
    path: str
    detail: str


class Clip(NamedTuple):
    """A recording and what its path, or the manifest, says of it.

    Attributes
    ----------
    label : str
        Need not be a digit; empty where a manifest names none.
    folder_is_word : bool
        Whether its label is its folder's name, as in Speech Commands.
    """

    path: str
    label: str
    speaker: str
    repetition: int
    stamp: Stamp
    folder_is_word: bool = False


@dataclass(frozen=True)
class Listing:
    """The files of a place.

    Attributes
    ----------
    clips : tuple of Clip
        All that are named as clips, also those with an error among ``findings``.
    columns : mapping of str to list
        What else a manifest or the lists of Speech Commands say, one value per clip.
    metadata : Path, optional
        The file on the speakers that lies least deep.
    other_words : tuple of str
        Recordings of a Speech Commands folder that are no digits.
    """

    root: Path
    layout: Layout
    clips: tuple[Clip, ...]
    findings: tuple[Finding, ...] = ()
    columns: Mapping[str, list[Any]] = field(default_factory=dict)
    metadata: Path | None = None
    other_words: tuple[str, ...] = ()


def stamp(status: os.stat_result) -> Stamp:
    """Return size in bytes and time of change in nanoseconds, as far as 64 bits hold it: to the year 2262."""
    return status.st_size, max(-_LATEST_NS, min(status.st_mtime_ns, _LATEST_NS))


def list_clips(place: Path) -> Listing:
    """List a folder's files, or a manifest's clips; what is wrong becomes a finding; DataError if there is neither."""
    if place.is_file():
        return _of_manifest(place)
    if place.is_dir():
        return _of_folder(place)
    raise DataError(f"{place} is neither a folder nor a file", "give --data a folder of clips or a manifest")


def _of_manifest(place: Path) -> Listing:
    clips: dict[str, Clip] = {}
    others: list[dict[str, object]] = []
    findings = []
    for number, line in read_lines(place):
        if isinstance(line, str):
            fault = line
        else:
            path = posixpath.normpath(line.path)
            status = _status(place.parent / path)
            if path in clips:
                fault = f"{path} is listed already"
            elif clips and bool(line.digit) != bool(next(iter(clips.values())).label):
                fault = f"{path}: name the digit of every clip, or of none"
            elif status is None or not S_ISREG(status.st_mode):
                fault = f"{path}: no such file"
            else:
                clips[path] = Clip(path, line.digit, line.speaker, len(clips), stamp(status))
                others.append(line.others)
                continue
        findings.append(Finding("manifest", "error", printable(place.name), f"line {number}: {fault}"))
    names = sorted({name for values in others for name in values})
    columns = {name: [values.get(name) for values in others] for name in names}
    return Listing(place.parent, "manifest", tuple(clips.values()), tuple(findings), columns)


def _of_folder(root: Path) -> Listing:
    clips: list[Clip] = []
    other_words: list[str] = []
    documents: list[str] = []
    findings: list[Finding] = []

    def find(kind: str, severity: Severity, detail: str) -> None:
        findings.append(Finding(kind, severity, printable(path), detail))

    for path, entry in sorted(_files(root), key=itemgetter(0)):
        if isinstance(entry, OSError):
            find(UNLISTED, "error", f"the folder cannot be listed: {entry.strerror}")
            continue
        name, status = entry.name, _status(entry)
        if name == FILE_NAME or name in OFFICIAL_LISTS:
            documents.append(path)
        elif status is not None and S_ISDIR(status.st_mode):
            find("does not belong", "warning", "a link to a folder")
        elif status is None or not S_ISREG(status.st_mode):
            find("unreadable", "error", "not a regular file, or a broken link")
        elif clip := _parse(path, name, stamp(status)):
            if clip.folder_is_word and clip.label not in CLASSES:
                other_words.append(path)
            else:
                clips.append(clip)
        elif not _SOUND.fullmatch(name):
            if name != CHECKSUMS_NAME:
                find("does not belong", "warning", "not a recording")
        elif _folder(path) != NOISE_FOLDER:
            find("does not belong", "warning", "a recording that is not named like a clip")
    findings += [
        Finding("label", "error", clip.path, f"the name begins with '{clip.label}', which is not one of the digits 0-9")
        for clip in clips
        if clip.label not in CLASSES
    ]
    layout, misplaced = _arrangement(clips)
    lists = [path for path in documents if posixpath.basename(path) in OFFICIAL_LISTS]
    has_lists = {posixpath.basename(path) for path in lists} == set(OFFICIAL_LISTS)
    descriptions = sorted((path.count("/"), path) for path in documents if path not in lists)
    return Listing(
        root,
        layout,
        tuple(clips),
        (*findings, *misplaced),
        {"split": _official_parts(root, lists, clips)} if layout == "speech-commands" and has_lists else {},
        metadata=root / descriptions[0][1] if descriptions else None,
        other_words=tuple(other_words),
    )


def _files(root: Path) -> Iterator[tuple[str, os.DirEntry[str] | OSError]]:
    """Yield everything below a folder but folders and what hidden ones hold; links to folders are not followed.

    A folder that cannot be listed comes with the error.
    """
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError as error:
            yield folder.rstrip("/") or ".", error
            continue
        for entry in entries:
            path = f"{folder}{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                yield path, entry
            elif not entry.name.startswith("."):
                pending.append(f"{path}/")


def _status(file: os.DirEntry[str] | Path) -> os.stat_result | None:
    """Return what is known of a file, or of the one that a link ends at; None if there is none."""
    try:
        return file.stat()
    except OSError:
        return None


def _folder(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _parse(path: str, name: str, stamp: Stamp) -> Clip | None:
    """Return the clip that a path names, ``<digit>_<speaker>_<number>`` or ``<word>/<speaker>_nohash_<number>``."""
    if not path.isprintable():
        return None
    if (match := _BY_FOLDER.fullmatch(name)) and (word := _folder(path)):
        label = str(DIGIT_WORDS.index(word)) if word in DIGIT_WORDS else word
        return Clip(path, label, match[1], int(match[2]), stamp, folder_is_word=True)
    if match := _BY_NAME.fullmatch(name):
        return Clip(path, match[1], match[2], int(match[3]), stamp)
    return None


def _arrangement(clips: list[Clip]) -> tuple[Layout, list[Finding]]:
    """Return the layout, and a finding for every clip in another speaker's folder.

    A folder is a speaker's if clips name that speaker, or if it and the clip's speaker are both numbers.
    """
    named = [(clip, _folder(clip.path)) for clip in clips if not clip.folder_is_word]
    if clips and not named:
        return "speech-commands", []
    speakers = {clip.speaker for clip, _ in named}
    elsewhere = [(clip, folder) for clip, folder in named if folder != clip.speaker]
    misplaced = [
        Finding(
            "speaker folder",
            "error",
            clip.path,
            f"lies in the folder of speaker {folder}, but its name says speaker {clip.speaker}",
        )
        for clip, folder in elsewhere
        if folder in speakers or (_NUMBERED.fullmatch(folder) and _NUMBERED.fullmatch(clip.speaker))
    ]
    by_speaker = len(named) == len(clips) and len(misplaced) == len(elsewhere) < len(clips)
    return "audiomnist" if by_speaker else "fsdd", misplaced


def _official_parts(root: Path, lists: list[str], clips: list[Clip]) -> list[str]:
    """Return the part of every clip as Speech Commands lists them: those of no list are for training."""
    part_of: dict[str, str] = {}
    for path in lists:
        folder, name = posixpath.split(path)
        try:
            lines = (root / path).read_text(encoding="utf-8").split()
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {root / path}: {error}", "restore the file, or delete it") from error
        for line in lines:
            part_of[posixpath.splitext(posixpath.join(folder, line))[0]] = OFFICIAL_LISTS[name]
    return [part_of.get(posixpath.splitext(clip.path)[0], "train") for clip in clips]
