"""What the tests of scanning share: files that need no sound, and a corpus as rows."""

from pathlib import Path

import pytest
from hypothesis import strategies as st

from audiomnist.corpus import Corpus, scan
from audiomnist.errors import DataError

WORD = st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=8)


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def facts(corpus: Corpus) -> list[tuple[str, int, str, int]]:
    columns = (corpus.paths, corpus.digits.tolist(), corpus.speakers.tolist(), corpus.repetitions.tolist())
    return list(zip(*columns, strict=True))


def refusal(place: Path) -> DataError:
    with pytest.raises(DataError) as error:
        scan(place)
    assert error.value.hint
    return error.value
