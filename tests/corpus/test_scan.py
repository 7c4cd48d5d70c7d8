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

from audiomnist.corpus import scan
from tests.conftest import MakeCorpus
from tests.corpus.scanning import WORD, facts, refusal, touch


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
