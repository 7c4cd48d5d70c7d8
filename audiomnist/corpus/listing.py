"""Every file of a corpus and what its name claims, also where nothing about the corpus can be relied on."""

import posixpath
import re
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Literal

from audiomnist.corpus.metadata import CHECKSUMS_NAME, FILE_NAME
from audiomnist.corpus.scan import AUDIO_SUFFIXES, CLASSES, scan
from audiomnist.corpus.walk import is_file, walk
from audiomnist.errors import DataError

Severity = Literal["error", "warning"]
_CLIP_SHAPE = re.compile(r"(?P<label>[^_]*)_(?P<speaker>.+)_(?P<repetition>\d+)")
_NUMBERED_FOLDER = re.compile(r"\d\d")


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


@dataclass(frozen=True)
class Clip:
    """A recording and what its name, or the manifest, says of it; ``label`` need not be a digit."""

    path: str
    label: str
    speaker: str
    repetition: int


@dataclass(frozen=True)
class Listing:
    """The clips of a place, its speaker metadata if it has any, and what is wrong with files' names."""

    root: Path
    clips: tuple[Clip, ...]
    metadata: Path | None
    by_name: bool
    findings: tuple[Finding, ...]


def list_files(place: Path) -> Listing:
    """List a folder's files, or a manifest's clips; whatever is wrong becomes a finding."""
    return _list_manifest(place) if place.is_file() else _list_folder(place)


def _list_manifest(place: Path) -> Listing:
    try:
        corpus = scan(place)
    except DataError as error:
        return Listing(place.parent, (), None, False, (Finding("manifest", "error", place.name, error.message),))
    rows = zip(corpus.paths, corpus.digits.tolist(), corpus.speakers.tolist(), strict=True)
    clips = tuple(Clip(path, str(digit), speaker, 0) for path, digit, speaker in rows)
    return Listing(corpus.root, clips, None, False, ())


def _list_folder(root: Path) -> Listing:
    findings: list[Finding] = []
    clips: list[Clip] = []
    metadata = None

    def failed(folder: str, error: OSError) -> None:
        findings.append(Finding("unreadable", "error", folder, f"folder cannot be listed: {error.strerror}"))

    for path, entry in sorted(walk(root, failed), key=itemgetter(0)):
        is_regular = is_file(entry)
        if not is_regular and Path(entry).is_dir():
            continue
        name = posixpath.basename(path)
        stem, suffix = posixpath.splitext(name)
        is_audio = suffix.lower() in AUDIO_SUFFIXES
        match = _CLIP_SHAPE.fullmatch(stem) if is_audio else None
        if name == FILE_NAME:
            metadata = metadata or root / path
        elif is_regular and match is not None and path.isprintable():
            clips.append(Clip(path, match["label"], match["speaker"], int(match["repetition"])))
        elif not is_regular or name != CHECKSUMS_NAME:
            shown = path.encode("utf-8", "backslashreplace").decode()
            why = "audio without a clip's name" if is_audio else "not a recording"
            findings.append(
                Finding("does not belong", "warning", shown, why)
                if is_regular
                else Finding("unreadable", "error", shown, "not a regular file, or a link to nothing")
            )
    findings += _labels(clips) + _folders(clips)
    return Listing(root, tuple(clips), metadata, True, tuple(findings))


def _labels(clips: list[Clip]) -> list[Finding]:
    return [
        Finding("label", "error", clip.path, f"the name begins with '{clip.label}', which is not one of the digits 0-9")
        for clip in clips
        if clip.label not in CLASSES
    ]


def _folders(clips: list[Clip]) -> list[Finding]:
    """Find clips in another speaker's folder; a folder is a speaker's if names in it say so, or its name does."""
    speakers = {clip.speaker for clip in clips}
    found = []
    for clip in clips:
        folder = posixpath.basename(posixpath.dirname(clip.path))
        if folder != clip.speaker and (folder in speakers or _NUMBERED_FOLDER.fullmatch(folder)):
            detail = f"lies in the folder of speaker {folder}, but its name says speaker {clip.speaker}"
            found.append(Finding("speaker folder", "error", clip.path, detail))
    return found
