"""The clips of a run: the part each belongs to, and how it is known again."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, TypeAdapter

from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Part, Split
from audiomnist.errors import DataError, indented
from audiomnist.files import plain_cell, write_csv
from audiomnist.runs.documents import Document, fault_of

_HINT = "restore the file from a backup, or train again"


class SplitRow(Document):
    """A clip of a run.

    Attributes
    ----------
    voice : str
        ``unseen`` if its speaker is in the test part only.
    size, changed_ns : int or None
        Bytes, and when it was changed; None in runs of earlier versions.
    digest : str
        Hash of the decoded samples, hexadecimal; empty where it is not known.
    """

    path: Annotated[str, AfterValidator(plain_cell)]
    part: Part
    voice: Literal["known", "unseen"]
    size: int | None = None
    changed_ns: int | None = None
    digest: str = ""


_ROWS = TypeAdapter(tuple[SplitRow, ...])


@dataclass(frozen=True)
class SplitFile:
    """``split.csv``, read."""

    rows: tuple[SplitRow, ...]

    @classmethod
    def read(cls, file: Path) -> SplitFile:
        """Read what ``write_split`` wrote.

        Raises DataError if the file is missing or is not a split.
        """
        try:
            with file.open(newline="", encoding="utf-8") as lines:
                rows = _ROWS.validate_python(list(csv.DictReader(lines, strict=True)))
            if not {"train", "test"} <= {row.part for row in rows}:
                raise ValueError("no training or no test clips")
            if len({row.path for row in rows}) < len(rows):
                raise ValueError("a clip is listed twice")
        except (OSError, ValueError, csv.Error) as error:
            raise DataError(f"{file}: not the split of a run ({fault_of(error)})", _HINT) from error
        return cls(rows)

    @property
    def parts(self) -> dict[Part, tuple[str, ...]]:
        """The clips of each part."""
        parts: tuple[Part, ...] = ("train", "validation", "test")
        return {part: tuple(row.path for row in self.rows if row.part == part) for part in parts}

    def unchanged(self, corpus: Corpus, digests: Sequence[bytes]) -> Split:
        """Find the clips of each part; raise DataError if one is gone, or is another recording now.

        What counts is the sound, where its digest is known; else size and time of change.
        """
        split = self.split(corpus)
        numbers = {path: clip for clip, path in enumerate(corpus.paths)}

        def changed(row: SplitRow) -> bool:
            clip = numbers[row.path]
            if row.digest:
                return digests[clip].hex() != row.digest
            return row.size is not None and corpus.stamps[clip].tolist() != [row.size, row.changed_ns]

        if others := [row.path for row in self.rows if changed(row)]:
            raise DataError(
                f"{len(others)} clips in {corpus.root} are no longer those of this run\n{indented(others)}",
                "restore them, or train again; to test on the corpus as it is now, name it with --data",
            )
        return split

    def split(self, corpus: Corpus) -> Split:
        """Find the clips of each part in a corpus.

        The split is read, not made again: in a corpus that has changed since, a new one could test on clips that were
        trained on.

        Raises DataError if the corpus no longer holds a clip of it.
        """
        numbers = {path: clip for clip, path in enumerate(corpus.paths)}
        if missing := [row.path for row in self.rows if row.path not in numbers]:
            raise DataError(
                f"{corpus.root} lacks {len(missing)} clips of this run, such as {missing[0]}\n{indented(missing)}",
                "restore the corpus, or test on another with --data",
            )
        train, validation, test = (
            np.array([numbers[path] for path in paths], dtype=np.int64) for paths in self.parts.values()
        )
        held_out = {str(corpus.speakers[numbers[row.path]]) for row in self.rows if row.voice == "unseen"}
        return Split(train, validation, test, tuple(sorted(held_out)))


def write_split(file: Path, corpus: Corpus, split: Split, digests: Sequence[bytes]) -> None:
    """Write which clip belongs to which part, and by what it is known again."""
    unseen = np.isin(corpus.speakers, split.held_out)
    rows = (
        (
            corpus.paths[clip],
            part,
            "unseen" if unseen[clip] else "known",
            *corpus.stamps[clip].tolist(),
            digests[clip].hex(),
        )
        for part, clips in split.parts.items()
        for clip in clips.tolist()
    )
    write_csv(file, SplitRow.model_fields, rows)
