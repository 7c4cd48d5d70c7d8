"""Downloads that fail, are killed, or run beside each other."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from audiomnist.download.download import Report, download
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


def get(out: Path, origin: str | Path, source: Source = SMALL_AUDIOMNIST) -> Report:
    return download(source, out, source=origin, settings=QUICK)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "audiomnist"


def test_a_page_instead_of_the_archive_is_thrown_away(out: Path) -> None:
    with FaultyServer(ARCHIVE, Answer(new_content=b"<!DOCTYPE html>"), Answer(new_content=ARCHIVE)) as server:
        with pytest.raises(DataError, match=f"{server.url} is neither a zip nor a tar"):
            get(out, server.url)
        get(out, server.url)
    assert_whole(out)


def test_an_archive_cut_to_a_wrong_length_is_thrown_away(out: Path) -> None:
    with FaultyServer(ARCHIVE, Answer(declared_length=len(ARCHIVE) // 2)) as server:
        with pytest.raises(DataError, match=f"{server.url} is damaged"):
            get(out, server.url)
        assert not out.exists()
        get(out, server.url)
    assert server.ranges == [None, None]
    assert_whole(out)


def test_a_hostile_archive_from_the_web_leaves_nothing(out: Path) -> None:
    hostile = zip_bytes({**corpus_files(), "../outside.wav": wav_bytes()})
    with FaultyServer(hostile) as server, pytest.raises(DataError, match="may lead out"):
        get(out, server.url)
    left = [path.name for path in out.parent.rglob("*") if path.suffix != ".lock"]
    assert left == []


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
            download(SMALL_AUDIOMNIST, out, source=server.url, settings=replace(QUICK, attempts=1))
        get(out, server.url)
    assert server.ranges == [None, "bytes=5000-"]
    assert_whole(out)


def test_what_was_kept_from_one_address_is_not_used_for_another(out: Path) -> None:
    other = zip_bytes({path: content for path, content in repository_files().items() if "0_01_0" not in path})
    with FaultyServer(other, Answer(cut_after=5000)) as first, FaultyServer(ARCHIVE, Answer(cut_after=7000)) as second:
        for server, kept_bytes in ((first, 5000), (second, 7000)):
            with pytest.raises(DataError):
                download(SMALL_AUDIOMNIST, out, source=server.url, settings=replace(QUICK, attempts=1))
            kept = [path.stat().st_size for path in (out.parent / ".audiomnist.download").glob("*.part")]
            assert kept == [kept_bytes]
        get(out, second.url)
    assert second.ranges == [None, "bytes=7000-"]
    assert_whole(out)


def test_an_interrupted_call_keeps_the_archive_and_nothing_else(out: Path) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("checking"):
            raise KeyboardInterrupt

    with FaultyServer(ARCHIVE) as server:
        with pytest.raises(KeyboardInterrupt):
            download(SMALL_AUDIOMNIST, out, source=server.url, settings=QUICK, on_event=interrupt)
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
        for number in range(5):
            out = tmp_path / str(number) / "corpus"
            die_at = str(number * (reports - 1) // 4)
            killed = subprocess.run(
                [*PROCESS, server.url, str(out), die_at], capture_output=True, check=False, cwd=ROOT
            )
            # Fewer reports may come than in the first run, as pieces of the body arrive joined.
            assert killed.returncode in (-signal.SIGKILL, 0)
            assert out.exists() == (killed.returncode == 0)
            kept += any(out.parent.glob(".corpus.download/*"))
            assert get(out, server.url).deviations == []
            assert_whole(out)
    assert kept > 2


def test_leftovers_of_a_call_killed_just_after_the_last_step_are_removed(out: Path, tmp_path: Path) -> None:
    origin = put(tmp_path / "clone", corpus_files())
    get(out, origin)
    put(out.parent / ".audiomnist.download", {"archive-0123456789ab": b"old"})
    get(out, origin)
    assert_whole(out)


def test_leftovers_of_a_dead_call_are_removed(out: Path, tmp_path: Path) -> None:
    workplace = put(out.parent / ".audiomnist.download", {"unpacked/data/01/0_01_5.wav": b"old"})
    put(workplace, {"archive-0123456789ab.part": b"old", "archive-0123456789ab.part.json": b"{}"})
    get(out, put(tmp_path / "clone", corpus_files()))
    assert_whole(out)


def test_of_two_processes_at_once_one_fetches_and_both_have_the_corpus(out: Path) -> None:
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


def test_threads_of_one_process_take_turns_too(out: Path) -> None:
    reports: list[Report] = []
    events: list[str] = []
    with FaultyServer(ARCHIVE, default=Answer(piece_bytes=2048, pause_s=0.02)) as server:

        def work() -> None:
            reports.append(download(SMALL_AUDIOMNIST, out, source=server.url, settings=QUICK, on_event=events.append))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [report.clips for report in reports] == [40] * 3
    assert sum(event.startswith("fetching") for event in events) == 1
    assert sum("waiting for it" in event for event in events) == 2
    assert_whole(out)
