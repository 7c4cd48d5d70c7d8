"""Downloads that fail, are killed, or run beside each other."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from audiomnist.download.download import Downloaded, download
from audiomnist.download.sources import Source
from audiomnist.errors import DataError
from tests.download.http_server import Answer, FaultyServer
from tests.download.small_corpora import (
    QUICK,
    SMALL_AUDIOMNIST,
    assert_whole,
    corpus_files,
    put,
    repository_files,
    wav_bytes,
    zip_bytes,
)

ARCHIVE = zip_bytes(repository_files())
PROCESS = [sys.executable, "-m", "tests.download.download_process"]
ROOT = Path(__file__).parents[2]


def get(out: Path, origin: str | Path, source: Source = SMALL_AUDIOMNIST) -> Downloaded:
    return download(source, out, source=origin, patience=QUICK)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "audiomnist"


def test_a_page_instead_of_the_archive_is_thrown_away(out: Path) -> None:
    with FaultyServer(ARCHIVE, Answer(new_content=b"<!DOCTYPE html>"), Answer(new_content=ARCHIVE)) as server:
        with pytest.raises(DataError, match=f"{server.url} cannot be unpacked: neither a zip nor a tar"):
            get(out, server.url)
        get(out, server.url)
    assert_whole(out)


def test_an_archive_cut_to_a_wrong_length_is_thrown_away(out: Path) -> None:
    with FaultyServer(ARCHIVE, Answer(declared_length=len(ARCHIVE) // 2)) as server:
        with pytest.raises(DataError, match=f"{server.url} cannot be unpacked"):
            get(out, server.url)
        assert not out.exists()
        get(out, server.url)
    assert server.ranges == [None, None]
    assert_whole(out)


def test_a_web_archive_that_holds_too_much_leaves_nothing(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiomnist.download.archive.MOST_BYTES", 10_000)
    with FaultyServer(ARCHIVE) as server, pytest.raises(DataError, match=f"{server.url} .* more than 10,000 bytes"):
        get(out, server.url)
    assert list(out.parent.iterdir()) == []


def test_too_small_a_disk_is_told_before_fetching(out: Path) -> None:
    source = replace(SMALL_AUDIOMNIST, archive_bytes=10**18, unpacked_bytes=10**18)
    with (
        FaultyServer(ARCHIVE) as server,
        pytest.raises(DataError, match="2,000,000,000,000,000,000 bytes are needed and"),
    ):
        get(out, server.url, source)
    assert server.requests == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(out: Path, tmp_path: Path) -> None:
    out.parent.mkdir(mode=0o555)
    with pytest.raises(DataError, match=str(out.parent)):
        get(out, put(tmp_path / "clone", corpus_files()))


def test_a_parent_that_is_a_file_is_told(out: Path, tmp_path: Path) -> None:
    put(tmp_path, {"data": b"a file"})
    with pytest.raises(DataError) as caught:
        get(out, put(tmp_path / "clone", corpus_files()))
    assert str(out.parent) in caught.value.message


def test_a_call_that_gave_up_is_taken_up_by_the_next(out: Path) -> None:
    with FaultyServer(ARCHIVE, Answer(cut_after=5000)) as server:
        with pytest.raises(DataError, match="5,000"):
            download(SMALL_AUDIOMNIST, out, source=server.url, patience=replace(QUICK, attempts=1))
        get(out, server.url)
    assert server.ranges == [None, "bytes=5000-"]
    assert_whole(out)


def test_what_was_kept_from_one_address_is_not_used_for_another(out: Path) -> None:
    with FaultyServer(ARCHIVE, Answer(cut_after=5000)) as first, FaultyServer(ARCHIVE) as second:
        with pytest.raises(DataError):
            download(SMALL_AUDIOMNIST, out, source=first.url, patience=replace(QUICK, attempts=1))
        get(out, second.url)
    assert second.ranges == [None]
    assert_whole(out)


def test_an_interrupted_call_keeps_the_archive_and_nothing_else(out: Path) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("checking"):
            raise KeyboardInterrupt

    with FaultyServer(ARCHIVE) as server:
        with pytest.raises(KeyboardInterrupt):
            download(SMALL_AUDIOMNIST, out, source=server.url, patience=QUICK, on_event=interrupt)
        kept = [path.name for path in (out.parent / ".audiomnist.download").iterdir()]
        assert len(kept) == 1
        assert kept[0].startswith("archive-")
        get(out, server.url)
    assert len(server.requests) == 1
    assert_whole(out)


def test_a_call_killed_at_any_point_is_taken_up_by_the_next(tmp_path: Path) -> None:
    with FaultyServer(ARCHIVE, default=Answer(piece_bytes=4096)) as server:
        whole = subprocess.run(
            [*PROCESS, server.url, str(tmp_path / "whole" / "corpus")],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        reports = int(whole.stdout.split()[-1])
        kept = 0
        for share in (0.3, 0.6, 0.95):
            out = tmp_path / str(share) / "corpus"
            die_at = str(int(share * reports))
            killed = subprocess.run(
                [*PROCESS, server.url, str(out), die_at], capture_output=True, check=False, cwd=ROOT
            )
            # Fewer reports may come than in the first run, as pieces of the body arrive joined.
            assert killed.returncode in (-signal.SIGKILL, 0)
            assert out.exists() == (killed.returncode == 0)
            kept += any(out.parent.glob(".corpus.download/*"))
            assert get(out, server.url).deviations == []
            assert_whole(out)
    assert kept > 1


@pytest.mark.parametrize("is_made", [False, True])
def test_leftovers_of_a_dead_call_are_removed(out: Path, tmp_path: Path, is_made: bool) -> None:
    origin = put(tmp_path / "clone", corpus_files())
    if is_made:
        get(out, origin)
    put(out.parent / ".audiomnist.download", {"unfinished/data/01/0_01_5.wav": b"old", "archive-0123.part": b"old"})
    get(out, origin)
    assert_whole(out)


def test_of_two_processes_one_fetches_and_both_have_the_corpus(out: Path) -> None:
    with FaultyServer(ARCHIVE, default=Answer(piece_bytes=2048, pause_s=0.02)) as server:
        command = [*PROCESS, server.url, str(out)]
        both = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
            for _ in range(2)
        ]
        outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [stdout.split()[:3] for stdout, _ in outputs] == [["40", str(40 * len(wav_bytes())), "[]"]] * 2
    assert len(server.requests) == 1
    assert_whole(out)
