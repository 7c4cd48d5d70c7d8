"""Clips left out by a list."""

import csv
from pathlib import Path

import numpy as np

from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError
from audiomnist.files import plain_cell


def without(corpus: Corpus, file: Path) -> Corpus:
    """Return a corpus without the clips that a file lists.

    Parameters
    ----------
    file : Path
        A path of the corpus per line; blank lines and lines that begin with ``#`` do not count. A ``.csv`` with a
        ``path`` column does as well.

    Raises
    ------
    DataError
        If the file cannot be read, names a clip that the corpus does not have, or leaves nothing.
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
        raise DataError(f"{file} lists every clip of {corpus.root}", "leave some")
    return corpus.select(kept)
