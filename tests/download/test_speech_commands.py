"""Speech Commands: words in folders, lists, noise; the digits by default."""

from dataclasses import replace
from pathlib import Path

import pytest

from audiomnist.download.download import Downloaded, download
from audiomnist.download.sources import SPEECH_COMMANDS, Source, find_source
from audiomnist.errors import DataError, UsageError
from tests.download.http_server import Answer, FaultyServer
from tests.download.small_corpora import (
    ALL_SMALL_WORDS,
    QUICK,
    SMALL_WORDS,
    assert_whole,
    put,
    tar_bytes,
    wav_bytes,
    word_files,
    zip_bytes,
)

# As published: every path begins with "./", and the words that are no digits are there too.
ARCHIVE = tar_bytes({f"./{path}": content for path, content in word_files(ALL_SMALL_WORDS).items()})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "speech-commands"


def get(out: Path, origin: str | Path | None, source: Source = SMALL_WORDS) -> Downloaded:
    return download(source, out, source=origin, patience=QUICK)


def test_digits_noise_and_lists_come_without_other_words(out: Path) -> None:
    with FaultyServer(ARCHIVE, Answer(cut_after=20_000)) as server:
        report = get(out, server.url)
    assert (report.clips, report.deviations) == (40, [])
    assert server.ranges == [None, "bytes=20000-"]
    assert_whole(out, files=word_files())


def test_all_words_come_when_asked_for(out: Path) -> None:
    with FaultyServer(ARCHIVE) as server:
        report = get(out, server.url, ALL_SMALL_WORDS)
    assert (report.clips, report.deviations) == (140, [])
    assert_whole(out, files=word_files(ALL_SMALL_WORDS))


def test_it_comes_from_an_archive_or_a_folder(out: Path, tmp_path: Path) -> None:
    archive = put(tmp_path, {"words.bin": zip_bytes(word_files(ALL_SMALL_WORDS))}) / "words.bin"
    assert get(out, archive).deviations == []
    folder = put(tmp_path / "unpacked", word_files(ALL_SMALL_WORDS))
    assert get(out.with_name("again"), folder).deviations == []


def test_flac_is_taken_too(out: Path, tmp_path: Path) -> None:
    folder = put(tmp_path / "unpacked", {"eight/004ae714_nohash_0.flac": wav_bytes(), "eight/notes.wav": wav_bytes()})
    report = get(out, folder)
    assert report.clips == 1
    assert "eight: 1 clip instead of 4" in report.deviations
    assert "eight/notes.wav: left out, not named like a clip" in report.deviations


def test_missing_clips_are_counted_by_word(out: Path, tmp_path: Path) -> None:
    files = word_files()
    del files["seven/004ae714_nohash_1.wav"], files["testing_list.txt"]
    assert get(out, put(tmp_path / "unpacked", files)).deviations == [
        "testing_list.txt is missing",
        "seven: 3 clips instead of 4",
    ]


def test_digits_that_are_there_are_not_all_words(out: Path, tmp_path: Path) -> None:
    folder = put(tmp_path / "unpacked", word_files(ALL_SMALL_WORDS))
    get(out, folder)
    assert "bed: 0 clips instead of 4" in get(out, folder, ALL_SMALL_WORDS).deviations


def test_another_archive_at_the_published_address_is_refused(out: Path) -> None:
    with FaultyServer(ARCHIVE) as server:
        source = replace(SMALL_WORDS, url=server.url, sha256=SPEECH_COMMANDS.sha256)
        with pytest.raises(DataError, match="not the archive that was published"):
            get(out, None, source)
    assert not out.exists()
    assert not list(out.parent.rglob("archive-*"))


def test_words_are_digits_or_all() -> None:
    assert find_source("speech-commands") is SPEECH_COMMANDS
    assert len(find_source("speech-commands", words="all").expected) == 35
    for name, words in (("fsdd", "all"), ("speech-commands", "some")):
        with pytest.raises(UsageError, match=r"words|digits"):
            find_source(name, words=words)
