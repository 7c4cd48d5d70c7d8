import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.corpus import Corpus, scan
from audiomnist.errors import DataError
from tests.conftest import MakeCorpus

WORD = st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=8)


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def facts(corpus: Corpus) -> list[tuple[str, int, str, int]]:
    columns = (corpus.paths, corpus.digits.tolist(), corpus.speakers.tolist(), corpus.repetitions.tolist())
    return list(zip(*columns, strict=True))


def write_csv(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def refusal(place: Path) -> DataError:
    with pytest.raises(DataError) as error:
        scan(place)
    assert error.value.hint
    return error.value


def test_audiomnist_is_recognised_by_its_folders(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = scan(make_corpus(tmp_path, layout="audiomnist", speakers=2, repetitions=3))
    assert (corpus.layout, len(corpus), corpus.strays) == ("audiomnist", 60, ())
    assert facts(corpus)[0] == ("data/01/0_01_0.wav", 0, "01", 0)
    assert facts(corpus)[-1] == ("data/02/9_02_2.wav", 9, "02", 2)


def test_audiomnist_may_lie_without_its_data_folder(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    whole = scan(make_corpus(tmp_path, layout="audiomnist", speakers=2, repetitions=1))
    inner = scan(tmp_path / "data")
    assert inner.layout == "audiomnist"
    assert [f"data/{path}" for path in inner.paths] == list(whole.paths)
    assert inner.columns.keys() == whole.columns.keys()
    assert inner.columns


def test_fsdd_is_recognised_in_any_folder(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    make_corpus(tmp_path / "recordings", speakers=2, repetitions=2)
    corpus = scan(tmp_path)
    assert (corpus.layout, len(corpus), dict(corpus.columns)) == ("fsdd", 40, {})
    assert facts(corpus)[0] == ("recordings/0_george_0.wav", 0, "george", 0)


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


@pytest.mark.parametrize("suffix", ["wav", "WAV", "flac", "ogg", "mp3"])
def test_every_format_that_can_be_read_counts(tmp_path: Path, suffix: str) -> None:
    assert len(scan(touch(tmp_path, f"3_ann_0.{suffix}"))) == 1


@given(st.integers(0, 9), st.lists(WORD, min_size=1, max_size=3), st.integers(0, 10**6))
def test_names_are_taken_apart_whatever_the_speaker_is_called(digit: int, words: list[str], repetition: int) -> None:
    speaker = "_".join(words)
    with TemporaryDirectory() as folder:
        touch(Path(folder), f"{digit}_{speaker}_{repetition}.wav")
        ((_, *found),) = facts(scan(Path(folder)))
    assert found == [digit, speaker, repetition]


@pytest.mark.parametrize(
    "stray",
    [
        ".DS_Store",
        "._3_ann_0.wav",
        "config.yaml",
        "deep/down/notes.txt",
        "10_ann_0.wav",
        "x_ann_0.wav",
        "3_ann.wav",
        "3_ann_x.wav",
        "3_ann_0.txt",
        "3_ann_0",
    ],
)
def test_what_is_no_clip_is_listed_and_left_aside(tmp_path: Path, stray: str) -> None:
    corpus = scan(touch(tmp_path, "3_ann_0.wav", stray))
    assert corpus.paths == ("3_ann_0.wav",)
    assert corpus.strays == (stray,)


def test_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    corpus = scan(touch(tmp_path, "3_ann_0.wav", ".git/4_ann_0.wav", ".store/x.bin", "a/.cache/5_ann_0.wav"))
    assert corpus.paths == ("3_ann_0.wav",)
    assert corpus.strays == ()


def test_a_linked_folder_is_followed_or_listed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "4_ann_0.wav")
    root = touch(tmp_path / "root", "3_ann_0.wav")
    (root / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    corpus = scan(root)
    assert "linked/4_ann_0.wav" in corpus.paths or "linked" in corpus.strays


def test_the_root_may_be_a_link_and_so_may_clips(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "4_ann_0.wav")
    (tmp_path / "elsewhere" / "5_ann_0.wav").symlink_to(tmp_path / "elsewhere" / "4_ann_0.wav")
    (tmp_path / "root").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert scan(tmp_path / "root").paths == ("4_ann_0.wav", "5_ann_0.wav")


def test_a_name_in_another_encoding_does_no_harm(tmp_path: Path) -> None:
    touch(tmp_path, "3_ann_0.wav")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/3_j\xf6rg_0.wav")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    corpus = scan(tmp_path)
    assert corpus.fingerprint
    "".join((*corpus.paths, *corpus.strays)).encode()


def test_the_order_does_not_depend_on_that_of_writing(tmp_path: Path) -> None:
    names = [f"{folder}{digit}_ann_0.wav" for folder in ("b/", "", "a/", "a-b/") for digit in (7, 1, 3)]
    first = scan(touch(tmp_path / "first", *names))
    second = scan(touch(tmp_path / "second", *reversed(names)))
    assert first.paths == second.paths == tuple(sorted(names))


def test_the_fingerprint_stays_where_nothing_changed(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    before = scan(make_corpus(tmp_path / "here", speakers=1, repetitions=1))
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    touch(tmp_path / "here", "notes.txt", ".hidden/3_ann_0.wav")
    assert scan(tmp_path / "here").fingerprint == before.fingerprint
    assert scan(tmp_path / "there").fingerprint == before.fingerprint


def change_content(clip: Path) -> None:
    times = clip.stat()
    clip.write_bytes(clip.read_bytes() + b"\0")
    os.utime(clip, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        change_content,
        lambda clip: os.utime(clip, ns=(1, 1)),
        lambda clip: clip.rename(clip.with_name("3_george_9.wav")),
        lambda clip: clip.rename(clip.with_name("4_george_9.wav")),
        lambda clip: clip.rename(clip.with_name("3_ann_0.wav")),
        Path.unlink,
        lambda clip: shutil.copy2(clip, clip.with_name("3_george_9.wav")),
    ],
    ids=["content", "time", "name", "digit", "speaker", "removal", "addition"],
)
def test_the_fingerprint_tells_any_change(
    make_corpus: MakeCorpus, tmp_path: Path, change: Callable[[Path], Any]
) -> None:
    before = scan(make_corpus(tmp_path, speakers=1, repetitions=1)).fingerprint
    change(tmp_path / "3_george_0.wav")
    assert scan(tmp_path).fingerprint != before


@pytest.mark.parametrize("line", ["a.wav,4,ann", "a.wav,3,bob", "b.wav,3,ann"])
def test_the_fingerprint_tells_another_label_in_a_manifest(tmp_path: Path, line: str) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    header = "path,digit,speaker"
    before = scan(write_csv(tmp_path / "clips.csv", header, "a.wav,3,ann")).fingerprint
    assert scan(write_csv(tmp_path / "other.csv", header, "a.wav,3,ann")).fingerprint == before
    assert scan(write_csv(tmp_path / "clips.csv", header, line)).fingerprint != before


def test_selecting_takes_every_column_along(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    whole = scan(make_corpus(tmp_path, layout="audiomnist", speakers=2, repetitions=1))
    chosen = [12, 3, 19]
    part = whole.select(chosen)
    assert len(part) == 3
    assert facts(part) == [facts(whole)[clip] for clip in chosen]
    np.testing.assert_array_equal(part.stamps, whole.stamps[chosen])
    assert part.columns["age"].tolist() == whole.columns["age"][chosen].tolist()
    assert [part.file(clip) for clip in range(3)] == [whole.file(clip) for clip in chosen]
    assert part.fingerprint != whole.fingerprint


def test_selecting_nothing_gives_an_empty_table(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    assert len(scan(make_corpus(tmp_path, speakers=1, repetitions=1)).select([])) == 0


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert error.message == f"no clip in {tmp_path} (an empty folder)"
    assert "<digit>_<speaker>_<number>.wav" in error.hint


def test_a_folder_of_other_files_is_refused_with_their_number(tmp_path: Path) -> None:
    assert "2 other files" in refusal(touch(tmp_path, "a.txt", "b.wav")).message


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    assert str(tmp_path / "nothing") in refusal(tmp_path / "nothing").message


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
    assert "line 4: gone.wav: No such file or directory" in message
    assert "line 5: no speaker" in message
    assert "line 6: digit '10'" in message
    assert "line 7: digit '-1'" in message


@pytest.mark.parametrize(
    "line", [",3,ann", "folder,3,ann", "a.wav,3,", "a.wav,,ann"], ids=["no path", "a folder", "no speaker", "no digit"]
)
def test_a_line_that_leaves_something_out_is_broken(tmp_path: Path, line: str) -> None:
    touch(tmp_path, "a.wav", "folder/b.wav")
    assert "line 2" in refusal(write_csv(tmp_path / "clips.csv", "path,digit,speaker", line)).message


def test_a_clip_listed_twice_is_refused_since_it_could_be_trained_and_tested_on(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    lines = ("path,digit,speaker", "a.wav,3,ann", "b.wav,3,ann", "a.wav,3,ann")
    assert "line 4: a.wav" in refusal(write_csv(tmp_path / "clips.csv", *lines)).message


def test_a_csv_without_its_header_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    error = refusal(write_csv(tmp_path / "clips.csv", "a.wav,3,ann", "a.wav,3,ann"))
    assert "no path" in error.message
    assert "path" in error.hint


def test_of_many_broken_lines_the_first_are_shown_and_all_are_counted(tmp_path: Path) -> None:
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
def test_a_manifest_without_clips_is_not_called_an_empty_folder(tmp_path: Path, content: str) -> None:
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
