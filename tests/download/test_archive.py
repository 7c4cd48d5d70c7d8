"""Unpacking archives that are whole, and some that are broken."""

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomnist.download.archive import copy_wanted, unpack
from audiomnist.errors import DataError
from tests.download.small_corpora import (
    SMALL_AUDIOMNIST,
    SMALL_FSDD,
    corpus_files,
    repository_files,
    tar_bytes,
    wav_bytes,
    zip_bytes,
)
from tests.download.unpacking import CLIP, FORMATS, Unpacker, zip_of


@pytest.fixture
def take(tmp_path: Path) -> Unpacker:
    return Unpacker(tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_corpus_comes_out_and_the_rest_stays_in(take: Unpacker, kind: str) -> None:
    unwanted = take(FORMATS[kind](repository_files()))
    assert take.files == corpus_files()
    assert sorted(name.rpartition("/")[2] for name in unwanted) == ["README.md", "train.py"]
    archive_bytes = (take.home / "archive").stat().st_size
    assert take.steps[-1] == (archive_bytes, archive_bytes)
    assert take.steps == sorted(take.steps)


def test_loose_clips_find_their_places(take: Unpacker) -> None:
    take(zip_bytes({path.rpartition("/")[2]: content for path, content in corpus_files().items()}))
    assert take.files == corpus_files()


@pytest.mark.parametrize("content", [b"", b"hello, this is no archive\n" * 100, b"<!DOCTYPE html>", bytes(2000)])
def test_what_is_no_archive_is_named(take: Unpacker, content: bytes) -> None:
    with pytest.raises(DataError, match="neither a zip nor a tar") as caught:
        take(content)
    assert str(take.home / "archive") in caught.value.message
    assert ".zip" in caught.value.hint


@pytest.mark.parametrize("name", ["a..b/0_01_0.wav", "..data/0_01_0.wav", "data../0_01_0.wav", "ä/0_01_0.wav"])
@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes])
def test_unusual_but_harmless_paths_are_taken(
    take: Unpacker, name: str, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    take(pack({name: wav_bytes()}))
    assert take.files == {CLIP: wav_bytes()}


@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes])
@pytest.mark.parametrize("second", ["backup/0_01_0.wav", "data/01/0_01_0.WAV", "DATA/01/0_01_0.wav"])
def test_two_files_for_one_place_are_refused(
    take: Unpacker, pack: Callable[[dict[str, bytes]], bytes], second: str
) -> None:
    with pytest.raises(DataError, match="would both become") as caught:
        take(pack({CLIP: wav_bytes(0), second: wav_bytes(1)}))
    assert CLIP in caught.value.message
    assert second in caught.value.message


def test_two_files_that_differ_only_by_case_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(zip_bytes({"0_george_0.wav": wav_bytes(0), "0_George_0.wav": wav_bytes(1)}))
    with pytest.raises(DataError, match="would both become"):
        unpack(archive, tmp_path / "unpacked", SMALL_FSDD.place, progress=lambda done, total: None)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(take: Unpacker) -> None:
    with pytest.raises(DataError, match="would both become"):
        take(zip_of((CLIP, wav_bytes(0)), (CLIP, wav_bytes(1))))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_clip_is_noticed(take: Unpacker, kind: str) -> None:
    content = bytearray(FORMATS[kind]({CLIP: random.Random(0).randbytes(50_000)}))
    content[len(content) // 2] ^= 1
    with pytest.raises(DataError, match="damaged") as caught:
        take(bytes(content))
    assert "again" in caught.value.hint


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=20, deadline=None)
@given(share=st.floats(0, 0.999))
def test_a_truncated_archive_is_never_taken_for_whole(
    tmp_path_factory: pytest.TempPathFactory, kind: str, share: float
) -> None:
    take = Unpacker(tmp_path_factory.mktemp("truncated"))
    content = FORMATS[kind](repository_files())
    with pytest.raises(DataError):
        take(content[: int(len(content) * share)])


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damage_anywhere_ends_in_an_error_of_ours_or_in_clips(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    take = Unpacker(tmp_path_factory.mktemp("damaged"))
    content = bytearray(FORMATS[kind]({CLIP: wav_bytes(), "data/02/1_02_1.wav": wav_bytes(1), "README.md": b"read"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DataError):
        take(bytes(content))
    assert all(SMALL_AUDIOMNIST.place(path) == path for path in take.files)


def test_a_folder_gives_its_clips_wherever_they_lie(tmp_path: Path) -> None:
    for path, content in repository_files().items():
        (tmp_path / "origin" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "origin" / path).write_bytes(content)
    steps: list[tuple[int, int | None]] = []
    unwanted = copy_wanted(
        tmp_path / "origin",
        tmp_path / "copy",
        SMALL_AUDIOMNIST.place,
        progress=lambda done, total: steps.append((done, total)),
    )
    copied = {
        path.relative_to(tmp_path / "copy").as_posix(): path.read_bytes() for path in (tmp_path / "copy").rglob("*.*")
    }
    assert copied == corpus_files()
    assert len(unwanted) == 2
    assert steps[-1][0] == steps[-1][1] == sum(map(len, corpus_files().values()))


def test_a_folder_with_two_files_for_one_place_is_refused(tmp_path: Path) -> None:
    for folder in ("data", "backup"):
        (tmp_path / "origin" / folder).mkdir(parents=True)
        (tmp_path / "origin" / folder / "0_01_0.wav").write_bytes(wav_bytes())
    with pytest.raises(DataError, match="would both become"):
        copy_wanted(tmp_path / "origin", tmp_path / "copy", SMALL_AUDIOMNIST.place, progress=lambda done, total: None)
    assert not (tmp_path / "copy").exists()
