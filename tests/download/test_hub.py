"""The hub itself cannot be reached from tests; these tables have the columns that the mirror has."""

from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from audiomnist.corpus import scan
from audiomnist.download.archive import take
from audiomnist.download.download import download
from audiomnist.download.hub import table_files
from audiomnist.errors import DataError
from audiomnist.progress import Show, unseen
from tests.download.small_corpora import SMALL_AUDIOMNIST, SMALL_FSDD, wav_bytes

CLIPS = [(speaker, digit, repetition) for speaker in (1, 2) for digit in range(10) for repetition in range(2)]


def row(number: int, *, named: bool = True) -> dict[str, Any]:
    speaker, digit, repetition = CLIPS[number]
    return {
        "speaker_id": f"{speaker:02d}",
        "digit": str(digit),
        "audio": {
            "bytes": wav_bytes(number),
            "path": f"{digit}_{speaker:02d}_{repetition}.wav" if named else None,
        },
        "gender": "male" if speaker == 1 else "female",
        "accent": "German",
        "age": 30,
        "native_speaker": False,
        "origin": "Europe, Germany, Berlin",
    }


def write_tables(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "data").mkdir(parents=True)
    half = len(rows) // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        parquet.write_table(pyarrow.Table.from_pylist(part), folder / "data" / f"train-{number:05d}-of-00002.parquet")
    return folder


def unpack(tables: Path, out: Path, progress: Show = unseen) -> None:
    take(table_files(tables, SMALL_AUDIOMNIST), out, SMALL_AUDIOMNIST.place, name="hub", progress=progress)


@pytest.mark.parametrize("named", [True, False])
def test_tables_become_the_corpus_in_its_own_layout(tmp_path: Path, named: bool) -> None:
    tables = write_tables(tmp_path / "tables", [row(number, named=named) for number in range(len(CLIPS))])
    done = []
    unpack(tables, tmp_path / "out", lambda part, total: done.append((part, total)))
    corpus = scan(tmp_path / "out")
    assert (len(corpus), corpus.layout) == (40, "audiomnist")
    assert SMALL_AUDIOMNIST.deviations([*corpus.paths, "data/audioMNIST_meta.txt"]) == []
    assert corpus.file(corpus.paths.index("data/02/7_02_1.wav")).read_bytes() == wav_bytes(CLIPS.index((2, 7, 1)))
    assert set(corpus.columns["gender"][corpus.speakers == "02"]) == {"female"}
    assert done[-1][0] == done[-1][1]


def test_a_clip_given_twice_is_refused(tmp_path: Path) -> None:
    tables = write_tables(tmp_path / "tables", [row(0), row(1), row(0)])
    with pytest.raises(DataError, match=r"second file for 0_01_0\.wav"):
        unpack(tables, tmp_path / "out")


def test_a_table_of_something_else_is_refused_by_name(tmp_path: Path) -> None:
    tables = write_tables(tmp_path / "tables", [{"text": "zero"}, {"text": "one"}])
    with pytest.raises(DataError, match=r"train-00000-of-00002\.parquet: not a table of clips"):
        unpack(tables, tmp_path / "out")


def test_a_corpus_without_a_mirror_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fsdd is not on the hub"):
        download(SMALL_FSDD, tmp_path / "fsdd", source="hub")
    assert not (tmp_path / "fsdd").exists()


def test_a_hub_that_cannot_be_reached_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="cannot be fetched from the hub") as error:
        download(SMALL_AUDIOMNIST, tmp_path / "audiomnist", source="hub")
    assert "--from hub" in error.value.hint
    assert not (tmp_path / "audiomnist").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"digit": "../../x"}, "digit"),
        ({"digit": None}, "digit"),
        ({"speaker_id": "../1"}, "speaker_id"),
        ({"digit": "7"}, "0_01_0.wav a 7 of speaker 01"),
        ({"audio": {"bytes": None, "path": None}}, "bytes"),
        ({"audio": {"bytes": b"", "path": "../../0_01_0.wav"}}, ""),
    ],
)
def test_no_row_leads_outside_or_contradicts_itself(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    tables = write_tables(tmp_path / "tables", [row(1), row(0) | changes] if "audio" in changes else [row(0) | changes])
    outside = {path.name for path in tmp_path.iterdir()} | {"out"}
    if said:
        with pytest.raises(DataError, match=said):
            unpack(tables, tmp_path / "out")
    else:
        unpack(tables, tmp_path / "out")
        assert (tmp_path / "out/data/01/0_01_0.wav").is_file()
    assert {path.name for path in tmp_path.iterdir()} <= outside
