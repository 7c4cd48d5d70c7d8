"""Unpacking archives that are whole, and some that are broken."""

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomnist.download.archive import folder_files
from audiomnist.download.archive import take as take_all
from audiomnist.errors import DataError
from audiomnist.progress import unseen
from tests.download.small_corpora import (
    SMALL_AUDIOMNIST,
    corpus_files,
    put,
    repository_files,
    wav_bytes,
    zip_bytes,
)
from tests.download.unpacking import CLIP, FORMATS, Unpacker


@pytest.fixture
def take(tmp_path: Path) -> Unpacker:
    return Unpacker(tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_corpus_comes_out_and_the_rest_stays_in(take: Unpacker, kind: str) -> None:
    unwanted = take(FORMATS[kind](repository_files()))
    assert take.files == corpus_files()
    assert sorted(name.rpartition("/")[2] for name in unwanted) == ["README.md", "train.py"]
    assert {end for _, end in take.steps} == {(take.home / "archive").stat().st_size}
    assert take.steps == sorted(take.steps)


def test_loose_clips_find_their_places(take: Unpacker) -> None:
    take(zip_bytes({path.rpartition("/")[2]: content for path, content in corpus_files().items()}))
    assert take.files == corpus_files()


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", bytes(2000)])
def test_what_is_no_archive_is_named(take: Unpacker, content: bytes) -> None:
    with pytest.raises(DataError, match="neither a zip nor a tar") as caught:
        take(content)
    assert "the archive" in caught.value.message
    assert ".zip" in caught.value.hint


@pytest.mark.parametrize("kind", FORMATS)
def test_unusual_but_harmless_paths_are_taken(take: Unpacker, kind: str) -> None:
    paths = [f"{folder}/{digit}_01_0.wav" for digit, folder in enumerate(["a..b", "..data", "data..", "ä"])]
    take(FORMATS[kind](dict.fromkeys(paths, wav_bytes())))
    assert take.files == {f"data/01/{digit}_01_0.wav": wav_bytes() for digit in range(4)}


@pytest.mark.parametrize("kind", FORMATS)
def test_two_files_for_one_place_are_refused(take: Unpacker, kind: str) -> None:
    with pytest.raises(DataError, match=r"'backup/0_01_0\.wav' is a second file for 0_01_0\.wav"):
        take(FORMATS[kind]({CLIP: wav_bytes(0), "backup/0_01_0.wav": wav_bytes(1)}))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_clip_is_noticed(take: Unpacker, kind: str) -> None:
    content = bytearray(FORMATS[kind]({CLIP: random.Random(0).randbytes(50_000)}))
    content[len(content) // 2] ^= 1
    with pytest.raises(DataError, match="cannot be unpacked") as caught:
        take(bytes(content))
    assert "again" in caught.value.hint


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=10, deadline=None)
@given(share=st.floats(0, 0.999))
def test_a_truncated_archive_is_never_taken_for_whole(
    tmp_path_factory: pytest.TempPathFactory, kind: str, share: float
) -> None:
    take = Unpacker(tmp_path_factory.mktemp("truncated"))
    content = FORMATS[kind](repository_files())
    with pytest.raises(DataError):
        take(content[: int(len(content) * share)])


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=25, deadline=None)
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
    origin = put(tmp_path / "origin", repository_files())
    steps: list[tuple[int, int | None]] = []
    unwanted = take_all(
        folder_files(origin),
        tmp_path / "copy",
        SMALL_AUDIOMNIST.place,
        name="the folder",
        progress=lambda *step: steps.append(step),
    )
    copied = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "copy").as_posix(): path.read_bytes() for path in copied} == corpus_files()
    assert len(unwanted) == 2
    assert steps[-1] == (sum(map(len, repository_files().values())),) * 2


def test_a_folder_with_two_files_for_one_place_is_refused(tmp_path: Path) -> None:
    origin = put(tmp_path / "origin", {f"{folder}/0_01_0.wav": wav_bytes() for folder in ("data", "backup")})
    with pytest.raises(DataError, match="second"):
        take_all(folder_files(origin), tmp_path / "copy", SMALL_AUDIOMNIST.place, name="the folder", progress=unseen)
