import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.corpus import scan
from audiomnist.corpus.targets import labels
from audiomnist.errors import ConfigError
from audiomnist.evaluation.analysis import analyze
from tests.conftest import MakeCorpus
from tests.corpus.scanning import WORD, facts, refusal, touch


def write_csv(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_manifest_keeps_its_order_and_further_columns(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    make_corpus(tmp_path, speakers=1, repetitions=2)
    manifest = write_csv(
        tmp_path / "clips.csv",
        "path,digit,speaker,room,snr_db",
        "9_george_1.wav,9,ann,hall,20",
        "0_george_0.wav,0,bob,,10",
    )
    corpus = scan(manifest)
    assert corpus.layout == "manifest"
    assert [fact[:3] for fact in facts(corpus)] == [("9_george_1.wav", 9, "ann"), ("0_george_0.wav", 0, "bob")]
    assert {name: values.tolist() for name, values in corpus.columns.items()} == {
        "room": ["hall", ""],
        "snr_db": ["20", "10"],
    }
    assert corpus.file(0).samefile(tmp_path / "9_george_1.wav")


def test_a_manifest_may_be_json_lines_and_name_files_elsewhere(tmp_path: Path) -> None:
    touch(tmp_path, "sounds/a.flac", "far/b.wav")
    manifest = tmp_path / "lists" / "clips.jsonl"
    manifest.parent.mkdir()
    lines = [
        {"path": "../sounds/a.flac", "digit": 3, "speaker": "ann", "snr_db": 20.5},
        {"path": str(tmp_path / "far" / "b.wav"), "digit": "4", "speaker": "bob"},
    ]
    manifest.write_text("\n\n".join(map(json.dumps, lines)))
    corpus = scan(manifest)
    assert corpus.digits.tolist() == [3, 4]
    assert corpus.columns["snr_db"].tolist() == [20.5, None]
    assert all(corpus.file(clip).exists() for clip in range(2))


def test_a_manifest_out_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "clips.csv").write_bytes(b"\xef\xbb\xbfpath,digit,speaker\r\na.wav,3,ann\r\n")
    assert scan(tmp_path / "clips.csv").digits.tolist() == [3]


def test_a_manifest_of_other_words_needs_no_digits(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    corpus = scan(write_csv(tmp_path / "clips.csv", "path,word,speaker", "a.wav,up,ann", "b.wav,down,bob"))
    assert labels(corpus, "word").classes == ("down", "up")
    for use in (lambda: labels(corpus, "digit"), lambda: analyze(corpus, "words")):
        with pytest.raises(ConfigError, match="no column 'digit'"):
            use()


def test_digits_are_named_of_all_clips_or_none(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    lines = ('{"path": "a.wav", "digit": 3, "speaker": "ann"}', '{"path": "b.wav", "speaker": "ann"}')
    assert "line 2: b.wav: name the digit" in refusal(write_csv(tmp_path / "clips.jsonl", *lines)).message


@pytest.mark.parametrize("line", ["a.wav,4,ann", "a.wav,3,bob", "b.wav,3,ann"])
def test_the_fingerprint_tells_another_label_in_a_manifest(tmp_path: Path, line: str) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    header = "path,digit,speaker"
    before = scan(write_csv(tmp_path / "clips.csv", header, "a.wav,3,ann")).fingerprint
    assert scan(write_csv(tmp_path / "other.csv", header, "a.wav,3,ann")).fingerprint == before
    assert scan(write_csv(tmp_path / "clips.csv", header, line)).fingerprint != before


@pytest.mark.parametrize("line", ["a.wav,3,ann,male,hall", "a.wav,3,ann,female,lab", "a.wav,3,ann,hall,female"])
def test_the_fingerprint_tells_another_value_in_a_column(tmp_path: Path, line: str) -> None:
    touch(tmp_path, "a.wav")
    header = "path,digit,speaker,gender,room"
    before = scan(write_csv(tmp_path / "clips.csv", header, "a.wav,3,ann,female,hall")).fingerprint
    assert scan(write_csv(tmp_path / "clips.csv", header, line)).fingerprint != before


@pytest.mark.parametrize("name", ["3_ann_0.wav", "README.md", "clips"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    error = refusal(tmp_path / name)
    assert error.message == f"{tmp_path / name} is not a corpus"
    assert ".csv or .jsonl" in error.hint


def test_every_broken_line_of_a_csv_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav", "folder/c.wav")
    manifest = write_csv(
        tmp_path / "clips.csv",
        "path,digit,speaker",
        "a.wav,3,ann",
        "b.wav,ten,ann",
        "gone.wav,3,ann",
        "b.wav,4",
        "b.wav,10,ann",
        "b.wav,-1,ann",
    )
    message = refusal(manifest).message
    assert message.startswith(f"{manifest}: 5 lines are wrong\n")
    assert "line 3: digit 'ten' is not one of 0-9" in message
    assert "line 4: gone.wav: no such file" in message
    assert "line 5: no speaker" in message
    assert "line 6: digit '10'" in message
    assert "line 7: digit '-1'" in message


@pytest.mark.parametrize(
    "line", [",3,ann", "folder,3,ann", "a.wav,3,", "a.wav,,ann"], ids=["no path", "a folder", "no speaker", "no digit"]
)
def test_a_line_that_leaves_something_out_is_broken(tmp_path: Path, line: str) -> None:
    touch(tmp_path, "a.wav", "folder/b.wav")
    assert "line 2" in refusal(write_csv(tmp_path / "clips.csv", "path,digit,speaker", line)).message


def test_a_clip_listed_twice_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    lines = ("path,digit,speaker", "a.wav,3,ann", "b.wav,3,ann", "a.wav,3,ann")
    assert "line 4: a.wav" in refusal(write_csv(tmp_path / "clips.csv", *lines)).message


def test_a_csv_without_its_header_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    error = refusal(write_csv(tmp_path / "clips.csv", "a.wav,3,ann", "a.wav,3,ann"))
    assert "no path" in error.message
    assert "path" in error.hint


def test_the_first_of_many_broken_lines_are_shown(tmp_path: Path) -> None:
    manifest = write_csv(tmp_path / "clips.csv", "path,digit,speaker", *["gone.wav,3,ann"] * 25)
    message = refusal(manifest).message
    assert "25 lines are wrong" in message
    assert "line 11: " in message
    assert "line 12: " not in message
    assert "and 15 more" in message


def test_every_broken_line_of_json_lines_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    lines = (
        '{"path": "a.wav", "digit": 3, "speaker": "ann"}',
        '{"path": "a.wav", ',
        "[1, 2]",
        '{"path": "a.wav", "digit": 3}',
        '{"path": "a.wav", "digit": 3, "speaker": null}',
    )
    message = refusal(write_csv(tmp_path / "clips.jsonl", *lines)).message
    assert [f"line {number}" in message for number in range(1, 6)] == [False, True, True, True, True]


@pytest.mark.parametrize("content", ["", "path,digit,speaker\n"])
def test_a_manifest_without_clips_is_no_empty_folder(tmp_path: Path, content: str) -> None:
    (tmp_path / "clips.csv").write_text(content)
    error = refusal(tmp_path / "clips.csv")
    assert f"no clip in {tmp_path / 'clips.csv'}" in error.message
    assert "empty folder" not in error.message


@pytest.mark.parametrize("name", ["clips.csv", "clips.jsonl"])
def test_a_manifest_that_is_no_text_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00\x01")
    assert str(tmp_path / name) in refusal(tmp_path / name).message


@given(st.lists(st.tuples(st.integers(0, 9), WORD, WORD), min_size=1, max_size=8, unique_by=lambda row: row[1]))
def test_both_kinds_of_manifest_say_the_same(rows: list[tuple[int, str, str]]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        entries = [
            {"path": f"clip{number}.wav", "digit": digit, "speaker": speaker, "mood": mood}
            for number, (digit, speaker, mood) in enumerate(rows)
        ]
        touch(root, *(str(entry["path"]) for entry in entries))
        with (root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["speaker", "path", "mood", "digit"])
            writer.writeheader()
            writer.writerows(entries)
        (root / "clips.jsonl").write_text("\n".join(map(json.dumps, entries)), encoding="utf-8")
        from_csv, from_json = scan(root / "clips.csv"), scan(root / "clips.jsonl")
    assert facts(from_csv) == facts(from_json)
    assert from_csv.columns["mood"].tolist() == from_json.columns["mood"].tolist() == [mood for _, _, mood in rows]
    assert from_csv.fingerprint == from_json.fingerprint
