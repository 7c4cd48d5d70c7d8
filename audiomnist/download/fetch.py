"""Fetch one large file over HTTP: resumed, tried again, and complete or absent."""

import http.client
import json
import random
import re
import shutil
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from audiomnist.download.sources import Progress, Say
from audiomnist.errors import DataError
from audiomnist.files import write_text

MIRROR_HINT = "name another place with --from: a mirror's address, an archive on disk, or an unpacked folder"

_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class FetchSettings:
    """How patient a fetch is.

    Attributes
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

    Raises
    ------
    DataError
        If the server refuses or cannot be reached, or the file is too large to accept or for the disk.
    """
    if target.is_file():
        return
    partial = _Partial(target)
    failures, furthest_bytes = 0, partial.size
    while not partial.is_complete:
        try:
            _receive(url, partial, settings, progress, say)
            break
        except _PassingFailure as failure:
            failures = 1 if partial.size > furthest_bytes else failures + 1
            furthest_bytes = max(furthest_bytes, partial.size)
            wait_s = _wait_s(url, failure, failures, partial.size, settings)
            say(f"{failure}; trying again in {wait_s:.1f} s (failure {failures} of {settings.attempts})")
            settings.sleep(wait_s)
    partial.finish()


def require_free_disk(folder: Path, needed_bytes: int) -> None:
    """Raise DataError if a folder's disk has no room for so many bytes."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise DataError(
            f"{folder}: {needed_bytes:,} bytes are needed and {free_bytes:,} are free",
            "make room, or choose a folder on another disk with --root",
        )


class _PassingFailure(Exception):
    """A failure that another attempt may not meet; ``wait_s`` is the pause that the server asks for."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class _Version:
    """What a server says about the file it sends, to know the same file again (RFC 9110, section 8.8)."""

    etag: str | None = None
    last_modified: str | None = None
    total_bytes: int | None = None

    @staticmethod
    def of(headers: Message, total_bytes: int | None) -> "_Version":
        return _Version(headers.get("ETag"), headers.get("Last-Modified"), total_bytes)

    @property
    def validator(self) -> str | None:
        """Value for ``If-Range``, which takes no weak entity tags (RFC 9110, section 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def agrees(self, other: "_Version") -> bool:
        """Whether nothing speaks against both being the same version."""
        mine, theirs = asdict(self), asdict(other)
        return all(None in (mine[key], theirs[key]) or mine[key] == theirs[key] for key in mine)


class _Partial:
    """The beginning of a file in ``NAME.part``, and its version in ``NAME.part.json``."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._version_path = target.with_name(f"{target.name}.part.json")
        try:
            self.version = _Version(**json.loads(self._version_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            # Without its version the beginning of a file cannot be continued.
            self.path.unlink(missing_ok=True)
            self.version = _Version()

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def is_complete(self) -> bool:
        return self.size > 0 and self.size == self.version.total_bytes

    def restart(self, version: _Version) -> None:
        """Throw away what has arrived and begin another version of the file."""
        self.path.write_bytes(b"")
        self._write_version(version)

    def expect(self, total_bytes: int | None) -> None:
        """Learn the size of the complete file from a later answer, if the first did not tell it."""
        if self.version.total_bytes is None and total_bytes is not None:
            self._write_version(replace(self.version, total_bytes=total_bytes))

    def require_same(self, fits: bool, version: _Version) -> None:
        if not fits or not self.version.agrees(version):
            self.restart(_Version())
            raise _PassingFailure("the file on the server has changed")

    def finish(self) -> None:
        self.path.replace(self.target)
        self._version_path.unlink(missing_ok=True)

    def _write_version(self, version: _Version) -> None:
        write_text(self._version_path, json.dumps(asdict(version)))
        self.version = version


def _receive(url: str, partial: _Partial, settings: FetchSettings, progress: Progress, say: Say) -> None:
    """Send one request and append what comes."""
    resumed_at = partial.size
    headers = {"User-Agent": "audiomnist"}
    if resumed_at:
        headers["Range"] = f"bytes={resumed_at}-"
        if partial.version.validator:
            headers["If-Range"] = partial.version.validator
    with _answer_to(url, headers, settings.timeout_s) as answer:
        if answer.status == HTTPStatus.PARTIAL_CONTENT and resumed_at:
            sent = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            total_bytes = int(sent[2]) if sent and sent[2] != "*" else None
            starts_here = sent is not None and int(sent[1]) == resumed_at
            partial.require_same(starts_here, _Version.of(answer.headers, total_bytes))
            partial.expect(total_bytes or (answer.length and resumed_at + answer.length))
        elif answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and resumed_at:
            ends_here = answer.headers.get("Content-Range") == f"bytes */{resumed_at}"
            partial.require_same(ends_here, _Version.of(answer.headers, resumed_at))
            return
        elif answer.status == HTTPStatus.OK:
            if resumed_at:
                say("the server does not go on where the last attempt stopped; starting over")
            partial.restart(_Version.of(answer.headers, answer.length))
        else:
            raise _refusal(url, answer)
        _append(url, answer, partial, settings, progress)


def _append(
    url: str, answer: http.client.HTTPResponse, partial: _Partial, settings: FetchSettings, progress: Progress
) -> None:
    received_bytes, total_bytes = partial.size, partial.version.total_bytes
    if (total_bytes or 0) > settings.largest_bytes:
        raise _too_large(url, total_bytes or 0, settings)
    require_free_disk(partial.path.parent, (total_bytes or 0) - received_bytes)
    progress(received_bytes, total_bytes)
    with partial.path.open("ab") as file:
        while True:
            try:
                chunk = answer.read1(settings.chunk_bytes)
            except (OSError, http.client.HTTPException) as error:
                raise _lost(error, settings.timeout_s) from error
            if not chunk:
                break
            received_bytes += len(chunk)
            if received_bytes > settings.largest_bytes:
                raise _too_large(url, received_bytes, settings)
            file.write(chunk)
            progress(received_bytes, total_bytes)
    if total_bytes is not None and received_bytes != total_bytes:
        raise _PassingFailure(f"the connection ended after {received_bytes:,} of {total_bytes:,} bytes")


def _answer_to(url: str, headers: dict[str, str], timeout_s: float) -> http.client.HTTPResponse:
    """Send a GET request, following redirects, and return the answer whatever its status."""
    try:
        return urlopen(Request(url, headers=headers), timeout=timeout_s)  # type: ignore[no-any-return]
    except HTTPError as error:
        return error  # type: ignore[return-value]
    except URLError as error:
        # A reason in words means that urllib did not even try: no host, or an unknown kind of address.
        if isinstance(error.reason, str | ssl.SSLCertVerificationError):
            raise DataError(f"{url}: {error.reason}", MIRROR_HINT) from error
        raise _PassingFailure(f"no connection ({error.reason})") from error
    except (ValueError, http.client.InvalidURL) as error:
        raise DataError(f"{url} is not an address: {error}", MIRROR_HINT) from error
    except (OSError, http.client.HTTPException) as error:
        raise _lost(error, timeout_s) from error


def _lost(error: Exception, timeout_s: float) -> _PassingFailure:
    if isinstance(error, TimeoutError):
        return _PassingFailure(f"the server was silent for {timeout_s:g} s")
    return _PassingFailure(f"the connection was lost ({str(error) or type(error).__name__})")


def _refusal(url: str, answer: http.client.HTTPResponse) -> _PassingFailure | DataError:
    reason = f"the server answered {answer.status} {answer.reason}"
    if answer.status in _PASSING or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _PassingFailure(reason, _retry_after_s(answer.headers.get("Retry-After")))
    return DataError(f"{url}: {reason}", MIRROR_HINT)


def _retry_after_s(value: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _wait_s(url: str, failure: _PassingFailure, failures: int, kept_bytes: int, settings: FetchSettings) -> float:
    """Return the pause before the next attempt, or raise if there is to be none."""
    if failures >= settings.attempts:
        resume = f"run the command again to go on from {kept_bytes:,} bytes, or " if kept_bytes else ""
        raise DataError(f"{url}: {failure}; {failures} failures in a row", resume + MIRROR_HINT) from failure
    if failure.wait_s is not None:
        if failure.wait_s > settings.longest_retry_after_s:
            raise DataError(f"{url}: {failure}", f"try again in {failure.wait_s:.0f} seconds") from failure
        return failure.wait_s
    longest_s = min(settings.first_wait_s * 2.0 ** (failures - 1), settings.longest_wait_s)
    return longest_s * random.uniform(0.5, 1.0)


def _too_large(url: str, size_bytes: int, settings: FetchSettings) -> DataError:
    return DataError(
        f"{url} has {size_bytes:,} bytes or more; at most {settings.largest_bytes:,} are accepted", MIRROR_HINT
    )
