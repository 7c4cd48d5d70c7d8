"""From a folder or a manifest to a table of clips, and what makes another table of it."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.listing import CLASSES, UNLISTED, Layout, Listing, list_clips
from audiomnist.corpus.metadata import read_speakers
from audiomnist.errors import DataError, indented, printable
from audiomnist.files import plain_cell

__all__ = ["CLASSES", "Corpus", "scan"]

_FINGERPRINT_VERSION = "v2"


@dataclass(frozen=True)
class Corpus:
    """A table of clips in a stable order: sorted by path, or as the manifest lists them.

    Attributes
    ----------
    root : Path
        Folder that ``paths`` are relative to.
    layout : str
        ``audiomnist``, ``fsdd``, ``speech-commands`` or ``manifest``.
    paths : tuple of str
        Relative, with forward slashes.
    digits : int64 array [n_clips]
        -1 where a manifest has no ``digit`` column.
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
        Files under the root that are no clips, or have an error that ``validate`` reports.
    other_words : tuple of str
        Recordings of a Speech Commands folder that are no digits, relative to the root.
    """

    root: Path
    layout: Layout
    paths: tuple[str, ...]
    digits: NDArray[np.int64]
    speakers: NDArray[np.str_]
    repetitions: NDArray[np.int64]
    stamps: NDArray[np.int64]
    sources: NDArray[np.int64]
    source_names: tuple[str, ...]
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    strays: tuple[str, ...] = ()
    other_words: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def fingerprint(self) -> str:
        """A hash that is equal only if no path, stamp, digit, speaker or column changed.

        It begins with the version of this rule; fingerprints of different versions cannot be compared.
        """
        digest = hashlib.sha256("\0".join(sorted(self.columns)).encode("utf-8", "backslashreplace"))
        known = [self.columns[name].tolist() for name in sorted(self.columns)]
        rows = zip(self.paths, self.stamps.tolist(), self.digits.tolist(), self.speakers.tolist(), *known, strict=True)
        for path, stamp, *known_of_clip in rows:
            values = "\0".join("\1" if value is None else str(value) for value in known_of_clip)
            digest.update(f"\n{path}\0{stamp}\0{values}".encode("utf-8", "backslashreplace"))
        return f"{_FINGERPRINT_VERSION}-{digest.hexdigest()[:16]}"

    @property
    def own(self) -> "Corpus":
        """The clips of this corpus alone, which stand before those of corpora that were joined to it."""
        return self.select(np.flatnonzero(self.sources == 0))

    def file(self, clip: int) -> Path:
        """Return the full path of a clip, by its index."""
        return self.root / self.paths[clip]

    def joined(self, other: "Corpus", name: str) -> "Corpus":
        """Return this corpus with another one's clips behind its own, whose speakers become ``<name>:<speaker>``.

        A name that is taken gets a number. Columns that one side lacks are None there.

        Raises DataError if a file is in both.
        """
        own, others = ({str(corpus.file(clip).resolve()) for clip in range(len(corpus))} for corpus in (self, other))
        if shared := own & others:
            raise DataError(
                f"{printable(min(shared))} is in two corpora of this training", "name another corpus with --extra-data"
            )
        numbered = (f"{name}-{number}" for number in count(2))
        unique = next(word for word in chain([name], numbered) if word not in self.source_names)

        def both(column: str) -> NDArray[np.object_]:
            return np.concatenate([one.columns.get(column, np.full(len(one), None)) for one in (self, other)])

        return replace(
            self,
            paths=(*self.paths, *(str(other.root.resolve() / path) for path in other.paths)),
            digits=np.concatenate([self.digits, other.digits]),
            speakers=np.concatenate([self.speakers, [f"{unique}:{speaker}" for speaker in other.speakers.tolist()]]),
            repetitions=np.concatenate([self.repetitions, other.repetitions]),
            stamps=np.concatenate([self.stamps, other.stamps]),
            sources=np.concatenate([self.sources, np.full(len(other), len(self.source_names))]),
            source_names=(*self.source_names, unique),
            columns={column: both(column) for column in {**self.columns, **other.columns}},
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
    (``<digit>_<speaker>_<index>.wav`` in any folder), Speech Commands (``<word>/<speaker>_nohash_<n>.wav``, with a
    ``split`` column if its two lists are there), and a ``.csv`` or ``.jsonl`` manifest with ``path,digit,speaker``
    and any further columns, paths relative to the manifest; one of other words needs no ``digit``.

    Raises DataError if there is no clip at all, a folder cannot be listed, or a manifest is broken; its broken lines
    are named.
    """
    listing = list_clips(place)
    faults = [finding for finding in listing.findings if finding.kind in {"manifest", UNLISTED}]
    if faults and listing.layout == "manifest":
        raise DataError(
            f"{printable(place)}: {len(faults)} lines are wrong\n{indented([fault.detail for fault in faults])}",
            "each line needs path (relative to the manifest), digit and speaker",
        )
    if faults:
        raise DataError(f"cannot list {place / faults[0].path}: {faults[0].detail}", "check its permissions")
    corpus = _corpus(listing)
    if not len(corpus):
        nothing = "an empty folder" if place.is_dir() else "no line but the header"
        found = f"nothing but {len(corpus.strays)} other files" if corpus.strays else nothing
        raise DataError(
            f"no clip in {printable(place)} ({found})",
            "clips are named <digit>_<speaker>_<number>.wav; for other names write a manifest (path,digit,speaker)",
        )
    return corpus


def without(corpus: Corpus, file: Path) -> Corpus:
    """Return a corpus without the clips that a file lists.

    The file is a ``.csv`` with a ``path`` column, or has a path per line, where blank lines and those with ``#`` do not
    count. Raises DataError if it cannot be read, names a clip that the corpus does not have, or leaves nothing.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            if file.suffix.lower() == ".csv":
                listed = {plain_cell(row["path"].strip()) for row in csv.DictReader(lines)}
            else:
                listed = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    except (OSError, UnicodeDecodeError, KeyError, AttributeError, csv.Error) as error:
        raise DataError(
            f"cannot read the list {file}: {error}", "write a path per line, or a .csv with a path column"
        ) from error
    if unknown := listed.difference(corpus.paths):
        raise DataError(
            f"{file} lists {len(unknown)} clips that are not in {corpus.root}, such as {min(unknown)}",
            "give paths relative to the corpus folder, as 'audiomnist validate' shows them",
        )
    kept = np.flatnonzero([path not in listed for path in corpus.paths])
    if not len(kept):
        raise DataError(f"{file} lists every clip of {corpus.root}", "keep some clips")
    return corpus.select(kept)


def _corpus(listing: Listing) -> Corpus:
    """Return the clips of a listing that have no error, with what is known of their speakers."""
    errors = {finding.path for finding in listing.findings if finding.severity == "error"}
    kept = [number for number, clip in enumerate(listing.clips) if clip.path not in errors]
    clips = [listing.clips[number] for number in kept]
    columns = {name: np.array(values, dtype=object)[kept] for name, values in listing.columns.items()}
    if listing.metadata is not None:
        for name, of_speaker in read_speakers(listing.metadata).columns.items():
            columns[name] = np.array([of_speaker.get(clip.speaker) for clip in clips], dtype=object)
    return Corpus(
        root=listing.root,
        layout=listing.layout,
        paths=tuple(clip.path for clip in clips),
        digits=np.array([int(clip.label or -1) for clip in clips], dtype=np.int64),
        speakers=np.array([clip.speaker for clip in clips], dtype=np.str_),
        repetitions=np.array([clip.repetition for clip in clips], dtype=np.int64),
        stamps=np.array([clip.stamp for clip in clips], dtype=np.int64).reshape(-1, 2),
        sources=np.zeros(len(clips), dtype=np.int64),
        source_names=(listing.root.resolve().name,),
        columns=columns,
        strays=tuple(finding.path for finding in listing.findings),
        other_words=listing.other_words,
    )
