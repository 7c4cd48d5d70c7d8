"""From an address, an archive or a folder to a whole corpus."""

from dataclasses import replace
from pathlib import Path

import pytest

from audiomnist.download.download import Downloaded, download
from audiomnist.download.sources import ALL_SPEECH_COMMANDS, AUDIOMNIST, FSDD, Source, find_source
from audiomnist.errors import DataError, UsageError
from tests.download.http_server import FaultyServer
from tests.download.small_corpora import (
    QUICK,
    SMALL_AUDIOMNIST,
    SMALL_FSDD,
    assert_whole,
    corpus_files,
    put,
    repository_files,
    tar_bytes,
    wav_bytes,
    zip_bytes,
)

ARCHIVE = zip_bytes(repository_files())


def get(out: Path, origin: str | Path, source: Source = SMALL_AUDIOMNIST) -> Downloaded:
    return download(source, out, source=origin, patience=QUICK)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "audiomnist"


@pytest.mark.parametrize(
    ("source", "version", "clips"),
    [
        (AUDIOMNIST, "8faa3bfa4c5c33f1336b9df97d9e50b19a7102a8.zip", 30_000),
        (FSDD, "v1.0.10.zip", 3_000),
        (ALL_SPEECH_COMMANDS, "v0.02.tar.gz", 105_829),
    ],
)
def test_the_published_sources_are_pinned(source: Source, version: str, clips: int) -> None:
    assert source.url.endswith(version)
    assert sum(source.expected.values()) == clips


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        find_source("audiominst")
    assert "'audiomnist'" in caught.value.hint


@pytest.mark.parametrize("source", [SMALL_AUDIOMNIST, SMALL_FSDD], ids=lambda source: source.name)
def test_a_corpus_comes_from_the_web(out: Path, source: Source) -> None:
    steps: list[tuple[int, int | None]] = []
    events: list[str] = []
    with FaultyServer(zip_bytes(repository_files(source))) as server:
        report = download(
            replace(source, url=server.url),
            out,
            patience=QUICK,
            progress=lambda done, total: steps.append((done, total)),
            on_event=events.append,
        )
    assert report.path == out
    assert report.clips == 40
    assert report.bytes == 40 * len(wav_bytes())
    assert report.seconds > 0
    assert report.deviations == []
    assert [event.split()[0] for event in events] == ["fetching", "unpacking", "checking", "moving"]
    assert steps[-1] == (sum(map(len, corpus_files(source).values())),) * 2
    assert_whole(out, source)


def test_a_corpus_comes_from_an_archive_on_disk(out: Path, tmp_path: Path) -> None:
    # The content tells what it is, whatever the name says.
    archive = tmp_path / "archive.bin"
    archive.write_bytes(tar_bytes(repository_files()))
    report = get(out, archive)
    assert (report.clips, report.deviations) == (40, [])
    assert_whole(out)


def test_a_corpus_comes_from_a_folder_which_is_left_alone(out: Path, tmp_path: Path) -> None:
    files = repository_files()
    origin = put(tmp_path / "clone", files)
    get(out, str(origin))
    assert_whole(out)
    assert len([path for path in origin.rglob("*") if path.is_file()]) == len(files)


def test_the_second_call_uses_what_is_there(out: Path) -> None:
    with FaultyServer(ARCHIVE) as server:
        first = get(out, server.url)
        second = get(out, server.url)
    assert len(server.requests) == 1
    assert replace(second, seconds=first.seconds) == first


def test_an_empty_folder_is_filled(out: Path, tmp_path: Path) -> None:
    out.mkdir(parents=True)
    get(out, put(tmp_path / "clone", corpus_files()))
    assert_whole(out)


def test_a_link_leads_to_the_corpus(out: Path, tmp_path: Path) -> None:
    (tmp_path / "large disk").mkdir()
    out.parent.mkdir()
    out.symlink_to(tmp_path / "large disk" / "here")
    get(out, put(tmp_path / "clone", corpus_files()))
    assert out.is_symlink()
    assert_whole(tmp_path / "large disk" / "here")


@pytest.mark.parametrize("obstacle", ["folder", "file"])
def test_what_is_in_the_way_is_left_alone(out: Path, tmp_path: Path, obstacle: str) -> None:
    mine = (
        put(out, {"mine.txt": b"mine"}) / "mine.txt"
        if obstacle == "folder"
        else put(out.parent, {out.name: b"mine"}) / out.name
    )
    with pytest.raises(DataError, match="already holds something else") as caught:
        get(out, put(tmp_path / "clone", corpus_files()))
    assert str(out) in caught.value.message
    assert mine.read_bytes() == b"mine"


def test_every_deviation_from_the_whole_corpus_is_listed(out: Path, tmp_path: Path) -> None:
    files = corpus_files()
    del files["data/audioMNIST_meta.txt"], files["data/01/3_01_1.wav"]
    files = {path: content for path, content in files.items() if "/02/" not in path}
    files |= {
        "data/01/4_01_7.wav": wav_bytes(),
        "data/77/0_77_0.wav": wav_bytes(),
        "data/01/5_01_0.wav": b"not a recording",
        "data/01/0_01_0 (copy).wav": wav_bytes(),
        "__MACOSX/data/01/._0_01_0.wav": b"a shadow",
    }
    report = get(out, put(tmp_path / "clone", files))
    assert report.clips == 20
    expected = [
        "data/audioMNIST_meta.txt is missing",
        "speaker 01, digit 3: 1 clip instead of 2",
        "speaker 01, digit 4: 3 clips instead of 2",
        *(f"speaker 02, digit {digit}: 0 clips instead of 2" for digit in range(10)),
        "speaker 77, digit 0: 1 clip instead of 0",
        "data/01/5_01_0.wav: not a readable recording",
        "data/01/0_01_0 (copy).wav: left out, not named like a clip",
    ]
    assert report.deviations == expected
    # What was left out is not in the folder, and so no later call can tell of it.
    assert get(out, "unused").deviations == expected[:-1]


def test_a_corpus_that_changed_is_told_by_the_next_call(out: Path, tmp_path: Path) -> None:
    origin = put(tmp_path / "clone", corpus_files())
    get(out, origin)
    (out / "data/01/0_01_0.wav").unlink()
    (out / "data/01/0_01_1.wav").write_bytes(b"")
    report = get(out, origin)
    assert report.clips == 38
    assert len(report.deviations) == 2
    for digit in range(10):
        for speaker in ("01", "02"):
            for repetition in (0, 1):
                (out / f"data/{speaker}/{digit}_{speaker}_{repetition}.wav").unlink(missing_ok=True)
    with pytest.raises(DataError, match="holds no clip"):
        get(out, origin)


@pytest.mark.parametrize("origin", ["missing", "ftp://127.0.0.1/corpus.zip", "file:///corpus.zip"])
def test_an_origin_that_is_none_is_told_before_anything_is_made(out: Path, tmp_path: Path, origin: str) -> None:
    with pytest.raises(DataError, match=origin) as caught:
        get(out, origin if "://" in origin else tmp_path / origin)
    assert "--from" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("files", [{"notes.txt": b"text"}, {"0_george_0.wav": wav_bytes()}, {"0_01_0.wav": b"broken"}])
def test_an_origin_without_a_clip_is_named(out: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    with FaultyServer(zip_bytes(files)) as server:
        for origin in (put(tmp_path / "clone", files), server.url):
            with pytest.raises(DataError, match="holds no clip of audiomnist") as caught:
                get(out, origin)
            assert str(origin) in caught.value.message
            assert "{digit}_{speaker}_{repetition}.wav" in caught.value.hint
    assert not out.exists()
    assert not (out.parent / ".audiomnist.download").exists()


def test_a_text_file_is_no_archive(out: Path, tmp_path: Path) -> None:
    origin = put(tmp_path, {"notes.txt": b"hello"}) / "notes.txt"
    with pytest.raises(DataError, match=f"{origin} cannot be unpacked: neither a zip nor a tar"):
        get(out, origin)
