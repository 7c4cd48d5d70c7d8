import json
from pathlib import Path
from typing import Any

import pytest

from audiomnist.corpus import scan
from audiomnist.corpus.metadata import FILE_NAME, Speakers, read_speakers
from audiomnist.errors import DataError
from tests.conftest import MakeCorpus


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def read(file: Path, column: str, values: dict[str, Any]) -> Speakers:
    file.write_text(json.dumps({speaker: {column: value} for speaker, value in values.items()}))
    return read_speakers(file)


def test_columns_have_short_names(file: Path) -> None:
    entry = {
        "accent": "German",
        "age": 30,
        "gender": "male",
        "native speaker": "no",
        "origin": "Europe, Germany, Berlin",
        "recordingdate": "17-06-22-11-04-28",
        "recordingroom": "Kino",
    }
    file.write_text(json.dumps({"01": entry}))
    speakers = read_speakers(file)
    assert speakers.columns == {
        "gender": {"01": "male"},
        "accent": {"01": "German"},
        "age": {"01": 30},
        "origin": {"01": "Europe, Germany, Berlin"},
        "native": {"01": "no"},
        "room": {"01": "Kino"},
    }
    assert speakers.corrections == ()


@pytest.mark.parametrize(
    ("written", "age"), [(28, 28), ("28", 28), ("1234", None), (1234, None), (0, None), ("", None), (None, None)]
)
def test_an_age_is_a_possible_number_of_years_or_unknown(file: Path, written: Any, age: int | None) -> None:
    assert read(file, "age", {"44": 27, "45": written}).columns["age"] == {"44": 27, "45": age}


def test_an_impossible_age_is_told_and_one_in_quotes_is_not(file: Path) -> None:
    speakers = read(file, "age", {"01": "30", "45": "1234"})
    assert speakers.corrections == ("speaker 45: age '1234' read as None",)


def test_spellings_that_differ_by_case_become_the_commonest(file: Path) -> None:
    speakers = read(file, "accent", {"01": "german", "02": "German", "03": "German", "04": "Chinese"})
    assert speakers.columns["accent"] == {"01": "German", "02": "German", "03": "German", "04": "Chinese"}
    assert speakers.corrections == ("speaker 01: accent 'german' read as 'German'",)


def test_the_rooms_spellings_become_one(file: Path) -> None:
    rooms = read(file, "recordingroom", {"01": "vr-room", "02": "VR-room", "03": "vr-romm", "04": "vr-room"})
    assert set(rooms.columns["room"].values()) == {"vr-room"}
    assert len(rooms.corrections) == 2


def test_a_misspelt_room_is_corrected_without_an_example(file: Path) -> None:
    assert read(file, "recordingroom", {"01": "vr-romm", "02": "Kino"}).columns["room"] == {
        "01": "vr-room",
        "02": "Kino",
    }


def test_space_around_a_word_does_not_count(file: Path) -> None:
    assert read(file, "gender", {"01": "male ", "02": "male"}).columns["gender"] == {"01": "male", "02": "male"}


def test_a_column_nobody_filled_in_is_left_out(file: Path) -> None:
    assert read(file, "gender", {"01": "male", "02": None}).columns == {"gender": {"01": "male", "02": None}}


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b'"text"', b'{"01": 3}', b"\xff\xfe"])
def test_a_file_that_is_no_metadata_is_refused_by_name(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(DataError, match="not speaker metadata") as error:
        read_speakers(file)
    assert str(file) in error.value.message
    assert error.value.hint


def test_a_corpus_has_its_speakers_metadata_for_every_clip(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = scan(make_corpus(tmp_path, layout="audiomnist", speakers=2, repetitions=1))
    assert corpus.columns.keys() == {"gender", "accent", "age", "origin", "native", "room"}
    ages = {"01": 20, "02": 21}
    assert corpus.columns["age"].tolist() == [ages[speaker] for speaker in corpus.speakers.tolist()]


def test_a_speaker_the_metadata_does_not_know_is_unknown(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    make_corpus(tmp_path, layout="audiomnist", speakers=2, repetitions=1)
    (tmp_path / "data" / FILE_NAME).write_text('{"01": {"age": 33}}')
    corpus = scan(tmp_path)
    assert corpus.columns["age"].tolist() == [33 if speaker == "01" else None for speaker in corpus.speakers.tolist()]
