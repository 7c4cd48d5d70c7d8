"""Fetch one large file over HTTP: resumed, tried again, and complete or absent."""

import http.client
import shutil
import ssl
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from time import sleep
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from audiomnist.download.sources import Say
from audiomnist.errors import DataError
from audiomnist.files import write_text
from audiomnist.progress import Show

MIRROR_HINT = "name another place with --from: a mirror's address, an archive on disk, or an unpacked folder"

_TRY_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_LONGEST_WAIT_S = 60.0
_LONGEST_WAIT_ASKED_FOR_S = 300.0
_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class Patience:
    """How long a fetch goes on trying.

    Attributes
    ----------
    timeout_s : float
        Longest silence of the server before the connection counts as lost.
    attempts : int
        Failures in a row, none of which brought the file further, before giving up.
    wait_s : float
        Pause after the first failure, doubled with each further one up to a minute.
    """

    timeout_s: float = 30.0
    attempts: int = 6
    wait_s: float = 1.0


def fetch(url: str, target: Path, *, patience: Patience, progress: Show, say: Say) -> None:
    """Bring the file at ``url`` to ``target``; a file that is there already is left as it is.

    What arrives is kept in ``NAME.part`` beside the target. A later call goes on from there if the server still has
    the same version and can send the rest; otherwise it starts over.

    Raises DataError if the server refuses or cannot be reached, or the disk has no room for the file.
    """
    if target.is_file():
        return
    part = _Part(target)
    failures, furthest_bytes = 0, part.size
    while True:
        try:
            _receive(url, part, patience.timeout_s, progress, say)
            break
        except _Failure as failure:
            failures = 1 if part.size > furthest_bytes else failures + 1
            furthest_bytes = max(furthest_bytes, part.size)
            if failures >= patience.attempts:
                resume = f"run the command again to resume from {part.size:,} bytes, or " if part.size else ""
                raise DataError(f"{url}: {failure}; {failures} failures in a row", resume + MIRROR_HINT) from failure
            if failure.wait_s > _LONGEST_WAIT_ASKED_FOR_S:
                raise DataError(f"{url}: {failure}", f"try again in {failure.wait_s:.0f} seconds") from failure
            wait_s = failure.wait_s or min(patience.wait_s * 2.0 ** (failures - 1), _LONGEST_WAIT_S)
            say(f"{failure}; trying again in {wait_s:.1f} s (failure {failures} of {patience.attempts})")
            sleep(wait_s)
    part.finish()


def require_free_disk(folder: Path, needed_bytes: int) -> None:
    """Raise DataError if a folder's disk has no room for so many bytes."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise DataError(
            f"{folder}: {needed_bytes:,} bytes are needed and {free_bytes:,} are free",
            "free some space, or choose a folder on another disk with --root",
        )


class _Failure(Exception):
    """A failure that another attempt may not meet; ``wait_s`` is the pause that the server asks for, or 0."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Part:
    """The beginning of a file in ``NAME.part``, and in ``NAME.part.version`` the server's name for its version.

    Without a version, what is there cannot be continued and counts as nothing.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._target = target
        self._version_path = target.with_name(f"{target.name}.part.version")
        self.version = self._version_path.read_text(encoding="utf-8") if self._version_path.is_file() else ""

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.version and self.path.is_file() else 0

    def restart(self, version: str) -> None:
        """Throw away what has arrived and begin another version of the file."""
        self.path.write_bytes(b"")
        write_text(self._version_path, version)
        self.version = version

    def finish(self) -> None:
        self.path.replace(self._target)
        self._version_path.unlink()


def _receive(url: str, part: _Part, timeout_s: float, progress: Show, say: Say) -> None:
    """Send one request and append what comes."""
    start = part.size
    resume = {"Range": f"bytes={start}-", "If-Range": part.version} if start else {}
    with _answer(url, {"User-Agent": "audiomnist", **resume}, timeout_s) as answer:
        version = _version(answer.headers)
        if answer.status == HTTPStatus.OK:
            if start:
                say("the server cannot resume the download; starting over")
                start = 0
            part.restart(version)
        elif start and answer.status in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
            is_at_end = answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            sent = answer.headers.get("Content-Range", "")
            is_the_rest = sent == f"bytes */{start}" if is_at_end else sent.startswith(f"bytes {start}-")
            if not is_the_rest or version not in ("", part.version):
                part.restart("")
                raise _Failure("the file on the server has changed")
            if is_at_end:
                return
        else:
            raise _refusal(url, answer)
        _append(answer, part, start, timeout_s, progress)


def _append(answer: http.client.HTTPResponse, part: _Part, start: int, timeout_s: float, progress: Show) -> None:
    received, total = start, None if answer.length is None else start + answer.length
    require_free_disk(part.path.parent, answer.length or 0)
    progress(received, total)
    with part.path.open("ab") as file:
        while chunk := _next_chunk(answer, timeout_s):
            file.write(chunk)
            received += len(chunk)
            progress(received, total)
    if total is not None and received != total:
        raise _Failure(f"the connection ended after {received:,} of {total:,} bytes")


def _next_chunk(answer: http.client.HTTPResponse, timeout_s: float) -> bytes:
    try:
        return answer.read1(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _lost(error, timeout_s) from error


def _version(headers: Message) -> str:
    """Return what ``If-Range`` may hold, which no weak entity tag is (RFC 9110, section 13.1.5), or nothing."""
    etag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if etag.startswith("W/") or not etag else etag


def _answer(url: str, headers: dict[str, str], timeout_s: float) -> http.client.HTTPResponse:
    """Send a GET request, following redirects, and return the answer whatever its status."""
    try:
        return urlopen(Request(url, headers=headers), timeout=timeout_s)  # type: ignore[no-any-return]
    except HTTPError as error:
        return error  # type: ignore[return-value]
    except URLError as error:
        # A reason in words means that urllib did not even try: no host, or an unknown kind of address.
        if isinstance(error.reason, str | ssl.SSLCertVerificationError):
            raise DataError(f"{url}: {error.reason}", MIRROR_HINT) from error
        raise _Failure(f"no connection ({error.reason})") from error
    except (ValueError, http.client.InvalidURL) as error:
        raise DataError(f"{url} is not an address: {error}", MIRROR_HINT) from error
    except (OSError, http.client.HTTPException) as error:
        raise _lost(error, timeout_s) from error


def _lost(error: Exception, timeout_s: float) -> _Failure:
    if isinstance(error, TimeoutError):
        return _Failure(f"the server was silent for {timeout_s:g} s")
    return _Failure(f"the connection was lost ({str(error) or type(error).__name__})")


def _refusal(url: str, answer: http.client.HTTPResponse) -> _Failure | DataError:
    reason = f"the server answered {answer.status} {answer.reason}"
    if answer.status in _TRY_AGAIN or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        seconds = answer.headers.get("Retry-After", "")
        return _Failure(reason, float(seconds) if seconds.isdecimal() else 0.0)
    return DataError(f"{url}: {reason}", MIRROR_HINT)
