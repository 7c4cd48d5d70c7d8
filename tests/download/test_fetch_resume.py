"""Going on where a fetch broke off, and never with bytes of another file."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomnist.errors import DataError
from tests.download.fetching import Fetch
from tests.download.http_server import Answer, FaultyServer
from tests.download.small_corpora import QUICK

CONTENT = random.Random(0).randbytes(300_000)
CHANGED = random.Random(1).randbytes(300_000)


@pytest.fixture
def get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    return Fetch(tmp_path, monkeypatch)


@pytest.mark.parametrize("cut_after", [1, len(CONTENT) - 1])
@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_connection_is_taken_up_where_it_broke(get: Fetch, cut_after: int, reset: bool) -> None:
    with FaultyServer(CONTENT, Answer(cut_after=cut_after, reset=reset)) as server:
        assert get(server.url) == CONTENT
    # A connection that is torn down may take bytes along that were on their way.
    resumed_at = server.ranges[1]
    assert resumed_at == f"bytes={cut_after}-" or reset
    assert len(server.requests) == 2


def test_a_connection_cut_before_the_first_byte_is_tried_again(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(cut_after=0), Answer(cut_after=0)) as server:
        assert get(server.url) == CONTENT
    assert server.ranges == [None, None, None]


def test_the_version_is_named_when_going_on(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(cut_after=1000), etag='"v1"') as server:
        get(server.url)
    assert server.requests[1]["If-Range"] == '"v1"'


def test_a_weak_entity_tag_gives_way_to_the_date(get: Fetch) -> None:
    date = "Mon, 02 Mar 2020 10:00:00 GMT"
    with FaultyServer(CONTENT, Answer(cut_after=1000), etag='W/"v1"', last_modified=date) as server:
        assert get(server.url) == CONTENT
    assert server.requests[1]["If-Range"] == date


def test_without_a_version_a_fetch_starts_over(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(cut_after=1000), etag=None) as server:
        assert get(server.url) == CONTENT
    assert server.ranges == [None, None]


def test_an_answer_that_ignores_the_range_is_never_appended(get: Fetch) -> None:
    answers = [Answer(cut_after=200_000), Answer(ignore_range=True, cut_after=250_000), Answer(ignore_range=True)]
    with FaultyServer(CONTENT, *answers) as server:
        assert get(server.url) == CONTENT
    assert server.ranges == [None, "bytes=200000-", "bytes=250000-"]
    assert any("starting over" in event for event in get.events)


@pytest.mark.parametrize("length", [300_000, 100_000])
def test_a_file_that_changes_between_attempts_is_fetched_again(get: Fetch, length: int) -> None:
    changed = random.Random(2).randbytes(length)
    second = Answer(new_content=changed, new_etag='"two"')
    with FaultyServer(CONTENT, Answer(cut_after=200_000), second) as server:
        assert get(server.url) == changed


@pytest.mark.parametrize("length", [300_000, 200_000, 1000])
def test_a_change_is_noticed_where_the_condition_is_ignored(get: Fetch, length: int) -> None:
    second = Answer(new_content=CHANGED[:length], new_etag='"two"', ignore_if_range=True)
    with FaultyServer(CONTENT, Answer(cut_after=200_000), second) as server:
        assert get(server.url) == CHANGED[:length]
    assert any("changed" in event for event in get.events)


@pytest.mark.parametrize("start_at", [999, 1001])
def test_the_wrong_part_is_not_appended(get: Fetch, start_at: int) -> None:
    with FaultyServer(CONTENT, Answer(cut_after=1000), Answer(start_at=start_at)) as server:
        assert get(server.url) == CONTENT


def test_a_later_call_goes_on_where_the_first_gave_up(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(cut_after=200_000)) as server:
        with pytest.raises(DataError, match="200,000"):
            get(server.url, replace(QUICK, attempts=1))
        assert get.files == ["corpus.zip.part", "corpus.zip.part.version"]
        assert get(server.url) == CONTENT
    assert server.ranges == [None, "bytes=200000-"]
    assert get.files == ["corpus.zip"]


@pytest.mark.parametrize(("kept", "version"), [(b"of unknown origin", ""), (CHANGED + b"x", '"one"')])
def test_a_beginning_of_no_use_is_thrown_away(get: Fetch, kept: bytes, version: str) -> None:
    (get.folder / "corpus.zip.part").write_bytes(kept)
    (get.folder / "corpus.zip.part.version").write_text(version)
    with FaultyServer(CONTENT) as server:
        assert get(server.url) == CONTENT


def test_a_call_killed_after_the_last_byte_fetches_nothing_again(get: Fetch) -> None:
    (get.folder / "corpus.zip.part").write_bytes(CONTENT)
    (get.folder / "corpus.zip.part.version").write_text('"one"')
    with FaultyServer(CONTENT) as server:
        assert get(server.url) == CONTENT
    assert server.ranges == ["bytes=300000-"]


def test_a_body_without_length_that_breaks_off_is_taken_up(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(chunked=True, cut_after=200_000)) as server:
        assert get(server.url) == CONTENT
    assert server.ranges == [None, "bytes=200000-"]


def test_redirects_are_followed_with_the_range(get: Fetch) -> None:
    with FaultyServer(CONTENT, Answer(cut_after=1000)) as server:
        assert get(server.url.replace("/corpus.zip", "/redirect")) == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            Answer,
            cut_after=st.none() | st.integers(0, 5000),
            status=st.sampled_from([None, None, None, 500, 429]),
            ignore_range=st.booleans(),
            ignore_if_range=st.booleans(),
            chunked=st.booleans(),
            reset=st.booleans(),
            new_content=st.none() | st.integers(1, 5000).map(lambda size: random.Random(size).randbytes(size)),
        ),
        max_size=5,
    )
)
def test_whatever_goes_wrong_the_file_is_one_that_the_server_had(
    tmp_path_factory: pytest.TempPathFactory, answers: list[Answer]
) -> None:
    # A server whose versions cannot be told apart may serve a mixture; real ones change their tag.
    tagged = [
        replace(answer, new_etag=f'"{number}"' if answer.new_content else None) for number, answer in enumerate(answers)
    ]
    with pytest.MonkeyPatch.context() as patch, FaultyServer(CONTENT[:3000], *tagged) as server:
        get = Fetch(tmp_path_factory.mktemp("fetch"), patch)
        assert get(server.url, replace(QUICK, attempts=20)) == server.content
    assert get.files == ["corpus.zip"]
