"""Fetch one large file over HTTP: resumed, tried again, and whole or absent."""

import http.client
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from audiomnist.download.connection import MIRROR_HINT, PassingFailure, answer_to, chunks, refusal
from audiomnist.download.partial import Partial, Version, content_range, version_of
from audiomnist.download.sources import Progress, Say
from audiomnist.errors import DataError


@dataclass(frozen=True)
class FetchSettings:
    """How patient a fetch is.

    Parameters
    ----------
    timeout_s : float
        Longest silence of the server before the connection counts as lost.
    attempts : int
        Failures in a row, none of which brought the file further, before giving up.
    first_wait_s, longest_wait_s : float
        Pause after the first failure, doubled with each further one up to the longest; a random share of up
        to half is taken off, so that many clients do not come back at once.
    longest_retry_after_s : float
        Longest pause a server may ask for.
    chunk_bytes : int
        Most memory a part of the file takes on its way to disk.
    largest_bytes : int
        Largest file accepted.
    sleep : callable
        Waits for the seconds given.
    """

    timeout_s: float = 30.0
    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    longest_retry_after_s: float = 300.0
    chunk_bytes: int = 1 << 18
    largest_bytes: int = 1 << 33
    sleep: Callable[[float], None] = time.sleep


def fetch(url: str, target: Path, *, settings: FetchSettings, progress: Progress, say: Say) -> None:
    """Bring the file at ``url`` to ``target``; a file that is there already is left as it is.

    What arrives is kept in ``NAME.part`` beside the target, and a later call goes on from there if the
    server still has the same version and can send the rest; otherwise it starts over.

    Parameters
    ----------
    url : str
        ``http`` or ``https`` address.
    target : Path
        Where the whole file goes; its folder exists.
    settings : FetchSettings
        Time-outs, attempts and pauses.
    progress, say : callable
        See `Progress` and `Say`.

    Raises
    ------
    DataError
        The server refuses or cannot be reached, or the file is too large to accept or for the disk.
    """
    if target.is_file():
        return
    partial = Partial(target)
    failures, furthest_bytes = 0, partial.size
    while not partial.is_whole:
        try:
            _receive(url, partial, settings, progress, say)
            break
        except PassingFailure as failure:
            failures = 1 if partial.size > furthest_bytes else failures + 1
            furthest_bytes = max(furthest_bytes, partial.size)
            wait_s = _wait_s(url, failure, failures, partial.size, settings)
            say(f"{failure}; trying again in {wait_s:.1f} s (failure {failures} of {settings.attempts})")
            settings.sleep(wait_s)
    partial.finish()


def require_free_disk(folder: Path, needed_bytes: int) -> None:
    """Check that a folder's disk has room.

    Raises
    ------
    DataError
        Fewer than ``needed_bytes`` are free.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise DataError(
            f"{folder}: {needed_bytes:,} bytes are needed and {free_bytes:,} are free",
            "Make room, or choose a folder on another disk with --out.",
        )


def _receive(url: str, partial: Partial, settings: FetchSettings, progress: Progress, say: Say) -> None:
    resumed_at = partial.size
    headers = {"User-Agent": "audiomnist"}
    if resumed_at:
        headers["Range"] = f"bytes={resumed_at}-"
        if partial.version.validator:
            headers["If-Range"] = partial.version.validator
    with answer_to(url, headers, settings.timeout_s) as answer:
        if answer.status == HTTPStatus.PARTIAL_CONTENT and resumed_at:
            _require_continuation(answer, partial)
        elif answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and resumed_at:
            _require_end(answer, partial)
            return
        elif answer.status == HTTPStatus.OK:
            if resumed_at:
                say("the server does not go on where the last attempt stopped; starting over")
            partial.restart(version_of(answer.headers, answer.length))
        else:
            raise refusal(url, answer)
        _require_room(url, partial, settings)
        _append(url, answer, partial, settings, progress)


def _append(
    url: str,
    answer: http.client.HTTPResponse,
    partial: Partial,
    settings: FetchSettings,
    progress: Progress,
) -> None:
    received_bytes, total_bytes = partial.size, partial.version.total_bytes
    progress(received_bytes, total_bytes)
    with partial.path.open("ab") as file:
        for chunk in chunks(answer, settings.chunk_bytes, settings.timeout_s):
            received_bytes += len(chunk)
            if received_bytes > settings.largest_bytes:
                raise _too_large(url, received_bytes, settings)
            file.write(chunk)
            progress(received_bytes, total_bytes)
    if total_bytes is not None and received_bytes != total_bytes:
        raise PassingFailure(f"the connection ended after {received_bytes:,} of {total_bytes:,} bytes")


def _require_continuation(answer: http.client.HTTPResponse, partial: Partial) -> None:
    start, total_bytes = content_range(answer.headers)
    _require_same(partial, start == partial.size, version_of(answer.headers, total_bytes))
    if total_bytes is None and answer.length is not None:
        total_bytes = partial.size + answer.length
    partial.expect(total_bytes)


def _require_end(answer: http.client.HTTPResponse, partial: Partial) -> None:
    ends_here = answer.headers.get("Content-Range") == f"bytes */{partial.size}"
    _require_same(partial, ends_here, version_of(answer.headers, partial.size))


def _require_same(partial: Partial, fits: bool, version: Version) -> None:
    if not fits or not partial.version.agrees(version):
        partial.restart(Version())
        raise PassingFailure("the file on the server has changed")


def _require_room(url: str, partial: Partial, settings: FetchSettings) -> None:
    total_bytes = partial.version.total_bytes or 0
    if total_bytes > settings.largest_bytes:
        raise _too_large(url, total_bytes, settings)
    require_free_disk(partial.path.parent, total_bytes - partial.size)


def _wait_s(url: str, failure: PassingFailure, failures: int, kept_bytes: int, settings: FetchSettings) -> float:
    """Return the pause before the next attempt, or raise if there is to be none."""
    if failures >= settings.attempts:
        resume = f"Run the command again to go on from {kept_bytes:,} bytes. " if kept_bytes else ""
        raise DataError(f"{url}: {failure}; {failures} failures in a row", resume + MIRROR_HINT) from failure
    if failure.wait_s is not None:
        if failure.wait_s > settings.longest_retry_after_s:
            raise DataError(f"{url}: {failure}", f"Try again in {failure.wait_s:.0f} seconds.") from failure
        return failure.wait_s
    longest_s = min(settings.first_wait_s * 2.0 ** (failures - 1), settings.longest_wait_s)
    return longest_s * random.uniform(0.5, 1.0)


def _too_large(url: str, size_bytes: int, settings: FetchSettings) -> DataError:
    return DataError(
        f"{url} has {size_bytes:,} bytes or more; at most {settings.largest_bytes:,} are accepted",
        MIRROR_HINT,
    )
