"""The clips of a run: the part each belongs to, and how it is known again."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.errors import DataError, indented
from audiomnist.files import plain_cell, safe_cell

PARTS = ("train", "validation", "test")
_COLUMNS = ("path", "part", "voice", "size", "changed_ns", "digest")
_HINT = "restore the file from a backup, or train anew"


@dataclass(frozen=True)
class SplitRow:
    """A clip of a run.

    Attributes
    ----------
    part : str
        ``train``, ``validation`` or ``test``.
    unseen : bool
        Whether its speaker is in the test part only.
    stamp : tuple of int or None
        Size in bytes and time of change in nanoseconds; None in runs of earlier versions.
    digest : str or None
        Hash of the decoded samples, hexadecimal; None where it is not known.
    """

    path: str
    part: str
    unseen: bool
    stamp: tuple[int, int] | None = None
    digest: str | None = None


@dataclass(frozen=True)
class SplitFile:
    """``split.csv``, read."""

    file: Path
    rows: tuple[SplitRow, ...]

    @classmethod
    def read(cls, file: Path) -> SplitFile:
        """Read what ``write_split`` wrote.

        Raises
        ------
        DataError
            If the file is missing or is not a split.
        """
        try:
            with file.open(newline="", encoding="utf-8") as lines:
                rows = tuple(_row(row) for row in csv.DictReader(lines, strict=True))
            if not {"train", "test"} <= {row.part for row in rows} <= set(PARTS):
                raise ValueError("no training or no test clips")
            if len({row.path for row in rows}) < len(rows):
                raise ValueError("a clip is listed twice")
        except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise DataError(f"{file}: not the split of a run ({reason})", _HINT) from error
        return cls(file, rows)

    def paths(self, part: str) -> tuple[str, ...]:
        """Return the clips of a part."""
        return tuple(row.path for row in self.rows if row.part == part)

    def unchanged(self, corpus: Corpus, digests: Sequence[bytes]) -> Split:
        """Find the clips of each part; raise DataError if one is gone, or is another recording now.

        What counts is the sound, where its digest is known; else size and time of change.
        """
        split = self.split(corpus)
        numbers = {path: clip for clip, path in enumerate(corpus.paths)}

        def changed(row: SplitRow) -> bool:
            clip = numbers[row.path]
            if row.digest is not None:
                return digests[clip].hex() != row.digest
            return row.stamp is not None and tuple(corpus.stamps[clip].tolist()) != row.stamp

        others = [row.path for row in self.rows if changed(row)]
        if others:
            raise DataError(
                f"{len(others)} clips in {corpus.root} are no longer those of this run\n{indented(others)}",
                "restore them, or train anew; to test on the corpus as it is now, name it with --data",
            )
        return split

    def split(self, corpus: Corpus) -> Split:
        """Find the clips of each part in a corpus.

        The split is read, not drawn again: in a corpus that has changed since, a new draw could test on clips that were
        trained on.

        Raises
        ------
        DataError
            If the corpus no longer holds a clip of it.
        """
        numbers = {path: clip for clip, path in enumerate(corpus.paths)}
        missing = [row.path for row in self.rows if row.path not in numbers]
        if missing:
            raise DataError(
                f"{corpus.root} lacks {len(missing)} clips of this run, such as {missing[0]}\n{indented(missing)}",
                "restore the corpus, or test on another with --data",
            )
        train, validation, test = (
            np.array([numbers[path] for path in self.paths(part)], dtype=np.int64) for part in PARTS
        )
        held_out = {str(corpus.speakers[numbers[row.path]]) for row in self.rows if row.unseen}
        return Split(train, validation, test, tuple(sorted(held_out)))


def write_split(file: Path, corpus: Corpus, split: Split, digests: Sequence[bytes] | None) -> None:
    """Write which clip belongs to which part, and by what it is known again."""
    unseen = np.isin(corpus.speakers, split.held_out)
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for part in PARTS:
            for clip in getattr(split, part).tolist():
                voice = "unseen" if unseen[clip] else "known"
                digest = "" if digests is None else digests[clip].hex()
                writer.writerow((safe_cell(corpus.paths[clip]), part, voice, *corpus.stamps[clip].tolist(), digest))


def _row(row: dict[str, str]) -> SplitRow:
    if row["voice"] not in {"known", "unseen"}:
        raise ValueError(f"{row['path']} has the voice {row['voice']!r}")
    size = row.get("size")
    return SplitRow(
        path=plain_cell(row["path"]),
        part=row["part"],
        unseen=row["voice"] == "unseen",
        stamp=None if size is None else (int(size), int(row["changed_ns"])),
        digest=row.get("digest") or None,
    )
