"""Fetching from a server that is slow, busy, silent, wrong, or not there."""

import random
import socket
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from audiomnist.download.fetch import Patience, fetch
from audiomnist.errors import DataError
from audiomnist.progress import unseen
from tests.download.fetching import Fetch
from tests.download.http_server import Answer, FaultyServer
from tests.download.small_corpora import QUICK

CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    return Fetch(tmp_path, monkeypatch)


def test_a_whole_file_arrives_and_nothing_else_is_left(get: Fetch) -> None:
    with FaultyServer(CONTENT) as server:
        assert get(server.url) == CONTENT
    assert get.files == ["corpus.zip"]
    assert get.steps[0] == (0, len(CONTENT))
    assert get.steps[-1] == (len(CONTENT), len(CONTENT))
    assert get.events == []


def test_a_file_that_is_there_is_not_fetched_again(get: Fetch) -> None:
    with FaultyServer(CONTENT) as server:
        get(server.url)
        get(server.url)
    assert len(server.requests) == 1


def test_server_errors_are_tried_again_with_growing_pauses(get: Fetch) -> None:
    with FaultyServer(
        CONTENT, *[Answer(status=status) for status in (500, 502, 503, 504, 408, 500, 500, 500)]
    ) as server:
        assert get(server.url, Patience(attempts=9)) == CONTENT
    assert get.pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_pause_a_server_asks_for_is_kept(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(status=429, headers={"Retry-After": "7"})) as server:
        assert get(server.url) == CONTENT
    assert get.pauses == [7.0]


def test_a_pause_that_cannot_be_read_is_our_own(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(status=429, headers={"Retry-After": "soon"})) as server:
        get(server.url)
    assert get.pauses == [QUICK.wait_s]


def test_a_pause_too_long_is_told_instead(get: Fetch) -> None:
    with (
        FaultyServer(CONTENT, Answer(status=429, headers={"Retry-After": "4000"})) as server,
        pytest.raises(DataError, match="429") as caught,
    ):
        get(server.url)
    assert "4000 seconds" in caught.value.hint
    assert get.pauses == []


@pytest.mark.parametrize("status", [404, 204])
def test_a_refusal_ends_at_once(get: Fetch, status: int) -> None:
    with (
        FaultyServer(CONTENT, default=Answer(status=status)) as server,
        pytest.raises(DataError, match=str(status)) as caught,
    ):
        get(server.url)
    assert len(server.requests) == 1
    assert server.url in caught.value.message
    assert "--from" in caught.value.hint


def test_a_silent_server_counts_as_lost(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(stall_after=100_000)) as server:
        assert get(server.url, replace(QUICK, timeout_s=0.3)) == CONTENT
    assert any("silent" in event for event in get.events)
    assert server.ranges[1] == "bytes=100000-"


def test_a_slow_server_is_waited_for_as_long_as_something_comes(get: Fetch) -> None:
    slow = Answer(piece_bytes=30_000, pause_s=0.05)
    with FaultyServer(CONTENT, slow) as server:
        assert get(server.url, replace(QUICK, timeout_s=0.4, attempts=1)) == CONTENT
    assert len(server.requests) == 1


def test_a_body_always_shorter_than_declared_is_given_up(get: Fetch) -> None:
    short = Answer(declared_length=len(CONTENT) + 1, ignore_range=True)
    with (
        FaultyServer(CONTENT, default=short) as server,
        pytest.raises(DataError, match="300,000 of 300,001 bytes") as caught,
    ):
        get(server.url, replace(QUICK, attempts=3))
    # The first attempt brought the file further, so that it does not count.
    assert len(server.requests) == 3
    assert "300,000 bytes" in caught.value.hint
    assert not get.target.exists()


def test_attempts_start_anew_with_each_step_forward(get: Fetch) -> None:
    with FaultyServer(CONTENT, default=Answer(cut_after=30_000)) as server:
        assert get(server.url, replace(QUICK, attempts=2)) == CONTENT
    assert len(server.requests) == 10


def test_starting_over_again_and_again_is_no_step_forward(get: Fetch) -> None:
    cuts = [Answer(cut_after=cut_after, ignore_range=True) for cut_after in (30_000, 10_000, 20_000, 30_000)]
    with FaultyServer(CONTENT, *cuts) as server, pytest.raises(DataError, match="4 failures in a row"):
        get(server.url, replace(QUICK, attempts=4))
    assert len(server.requests) == 4


def test_a_body_without_length_is_whole_when_it_ends_properly(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(chunked=True)) as server:
        assert get(server.url) == CONTENT
    assert get.steps[-1] == (len(CONTENT), None)


def test_more_than_the_disk_holds_is_refused_at_once(get: Fetch) -> None:
    huge = Answer(declared_length=10**18, stall_after=0)
    with (
        FaultyServer(CONTENT, huge) as server,
        pytest.raises(DataError, match=r"1,000,000,000,000,000,000 bytes are needed and [\d,]+ are free"),
    ):
        get(server.url)


def test_nobody_listening_is_told_after_the_last_attempt(get: Fetch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/corpus.zip"
        with pytest.raises(DataError, match="no connection"):
            get(url)
    assert len(get.pauses) == QUICK.attempts - 1


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://host:port/"])
def test_what_is_no_address_is_told_at_once(get: Fetch, url: str) -> None:
    with pytest.raises(DataError):
        get(url)
    assert get.pauses == []


def test_memory_stays_flat(get: Fetch) -> None:
    content = bytes(16_000_000)
    with FaultyServer(content, Answer(cut_after=5_000_000)) as server:
        tracemalloc.start()
        fetch(server.url, get.target, patience=QUICK, progress=unseen, say=get.events.append)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert get.target.stat().st_size == len(content)
    assert peak_bytes < 3_000_000
