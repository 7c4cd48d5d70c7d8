"""What lies at a place: one grammar makes a clip or a finding of every path, for training and validation alike."""

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

from audiomnist.corpus.manifest import Stamp, read_manifest, stamp
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

_BY_NAME = re.compile(r"([^_]*)_([^_]+(?:_[^_]+)*)_([0-9]{1,18})")  # digit, speaker, repetition
_BY_FOLDER = re.compile(r"([^_]{2,})_nohash_([0-9]{1,18})")  # speaker, repetition; the folder is the word
_NUMBERED = re.compile(r"[0-9]{2}")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a corpus.

    Attributes
    ----------
    kind : str
        Its heading in the table.
    severity : str
        ``error`` if training would break or learn what is false, else ``warning``.
    path : str
        Relative to the corpus folder; a speaker or a digit where no single file is at fault.
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
        Need not be a digit.
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
        What a manifest says besides, one value per clip.
    metadata : Path, optional
        The file on the speakers that lies least deep.
    other_words, noises : tuple of str
        Recordings of a Speech Commands folder that are no digits.
    official_parts : mapping of str to str
        ``validation`` or ``test`` by path without suffix, where Speech Commands lists them.
    """

    root: Path
    layout: Layout
    clips: tuple[Clip, ...]
    findings: tuple[Finding, ...] = ()
    columns: Mapping[str, list[Any]] = field(default_factory=dict)
    metadata: Path | None = None
    other_words: tuple[str, ...] = ()
    noises: tuple[str, ...] = ()
    official_parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> set[str]:
        """Paths of the files that have an error."""
        return {finding.path for finding in self.findings if finding.severity == "error"}


def list_clips(place: Path) -> Listing:
    """List a folder's files, or a manifest's clips; whatever is wrong becomes a finding.

    Raises
    ------
    DataError
        If there is neither.
    """
    if place.is_file():
        return _of_manifest(place)
    if not place.is_dir():
        raise DataError(
            f"{printable(place)} is neither a folder nor a file", "give --data a folder of clips or a manifest"
        )
    return _of_folder(place)


def _of_manifest(place: Path) -> Listing:
    manifest = read_manifest(place)
    clips = tuple(
        Clip(line.path, line.digit, line.speaker, number, line.stamp) for number, line in enumerate(manifest.lines)
    )
    findings = tuple(Finding("manifest", "error", printable(place.name), fault) for fault in manifest.faults)
    return Listing(place.parent, "manifest", clips, findings, manifest.columns)


def _of_folder(root: Path) -> Listing:
    findings: list[Finding] = []
    clips: list[Clip] = []
    documents: list[str] = []
    other_words: list[Clip] = []
    noises: list[str] = []

    def failed(folder: str, error: OSError) -> None:
        findings.append(Finding(UNLISTED, "error", printable(folder), f"the folder cannot be listed: {error.strerror}"))

    for path, entry in sorted(_walk(root, failed), key=itemgetter(0)):
        name = entry.name
        status = _status(entry)
        if name == CHECKSUMS_NAME and status is not None:
            continue
        if name == FILE_NAME or name in OFFICIAL_LISTS:
            documents.append(path)
        elif status is None:
            if not Path(entry).is_dir():
                findings.append(Finding("unreadable", "error", printable(path), "not a regular file, or a dead link"))
            else:
                findings.append(Finding("does not belong", "warning", printable(path), "a link to a folder"))
        elif (found := _parse(path, name, stamp(status))) is not None:
            (other_words if found.folder_is_word and found.label not in CLASSES else clips).append(found)
        elif is_sound(name) and _folder(path) == NOISE_FOLDER:
            noises.append(path)
        else:
            why = "audio without a clip's name" if is_sound(name) else "not a recording"
            findings.append(Finding("does not belong", "warning", printable(path), why))
    misplaced = _wrong_folders(clips)
    findings += _wrong_labels(clips) + misplaced
    lists = [path for path in documents if posixpath.basename(path) in OFFICIAL_LISTS]
    descriptions = sorted((path.count("/"), path) for path in documents if path not in lists)
    layout = _layout(clips, n_misplaced=len(misplaced))
    return Listing(
        root,
        layout,
        tuple(clips),
        tuple(findings),
        metadata=root / descriptions[0][1] if descriptions else None,
        other_words=tuple(word.path for word in other_words),
        noises=tuple(noises),
        official_parts=_official_parts(root, lists) if layout == "speech-commands" else {},
    )


def _walk(root: Path, failed: Callable[[str, OSError], None]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield everything below a folder but folders and what hidden ones hold; links to folders are not followed."""
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError as error:
            failed(folder.rstrip("/") or ".", error)
            continue
        for entry in entries:
            path = f"{folder}{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                yield path, entry
            elif not entry.name.startswith("."):
                pending.append(f"{path}/")


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return what is known of a regular file, or of the one that a link ends at."""
    try:  # at most one call of the system for a file that is no link
        return entry.stat() if entry.is_file() else None
    except OSError:
        return None


def is_sound(name: str) -> bool:
    """Return whether a file's name says that it is a recording of a kind that is read."""
    return posixpath.splitext(name)[1].lower() in AUDIO_SUFFIXES


def _folder(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _parse(path: str, name: str, stamp: Stamp) -> Clip | None:
    """Return the clip that a path names, ``<digit>_<speaker>_<number>`` or ``<word>/<speaker>_nohash_<number>``."""
    stem, suffix = posixpath.splitext(name)
    if suffix.lower() not in AUDIO_SUFFIXES or not path.isprintable():
        return None
    if "_nohash_" in stem and (match := _BY_FOLDER.fullmatch(stem)) and (word := _folder(path)):
        label = str(DIGIT_WORDS.index(word)) if word in DIGIT_WORDS else word
        return Clip(path, label, match[1], int(match[2]), stamp, folder_is_word=True)
    if match := _BY_NAME.fullmatch(stem):
        return Clip(path, match[1], match[2], int(match[3]), stamp)
    return None


def _wrong_labels(clips: list[Clip]) -> list[Finding]:
    return [
        Finding("label", "error", clip.path, f"the name begins with '{clip.label}', which is not one of the digits 0-9")
        for clip in clips
        if clip.label not in CLASSES
    ]


def _wrong_folders(clips: list[Clip]) -> list[Finding]:
    """Find clips in another speaker's folder; a folder is a speaker's if names in the corpus say so, or both count."""
    by_name = [clip for clip in clips if not clip.folder_is_word]
    speakers = {clip.speaker for clip in by_name}
    found = []
    for clip in by_name:
        folder = _folder(clip.path)
        if folder == clip.speaker:
            continue
        if folder in speakers or (_NUMBERED.fullmatch(folder) and _NUMBERED.fullmatch(clip.speaker)):
            detail = f"lies in the folder of speaker {folder}, but its name says speaker {clip.speaker}"
            found.append(Finding("speaker folder", "error", clip.path, detail))
    return found


def _layout(clips: list[Clip], n_misplaced: int) -> Layout:
    if clips and all(clip.folder_is_word for clip in clips):
        return "speech-commands"
    n_placed = sum(_folder(clip.path) == clip.speaker for clip in clips)
    return "audiomnist" if n_placed and n_placed + n_misplaced == len(clips) else "fsdd"


def _official_parts(root: Path, lists: list[str]) -> dict[str, str]:
    """Read which clips Speech Commands sets aside; nothing unless both lists can be read."""
    parts: dict[str, str] = {}
    if {posixpath.basename(path) for path in lists} != set(OFFICIAL_LISTS):
        return {}
    for path in lists:
        folder, name = posixpath.split(path)
        try:
            lines = (root / path).read_text(encoding="utf-8").split()
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {root / path}: {error}", "restore the file, or delete it") from error
        for line in lines:
            parts[posixpath.splitext(posixpath.join(folder, line))[0]] = OFFICIAL_LISTS[name]
    return parts
