"""One HTTP request, with failures that may pass told from those that will not."""

import http.client
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from audiomnist.errors import DataError

MIRROR_HINT = "Name another place with --from: a mirror's address, an archive on disk, or an unpacked folder."

_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class PassingFailure(Exception):
    """A failure that another attempt may not meet.

    Parameters
    ----------
    reason : str
        What happened.
    wait_s : float, optional
        Pause in seconds that the server asks for.
    """

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def answer_to(url: str, headers: dict[str, str], timeout_s: float) -> http.client.HTTPResponse:
    """Send a GET request, following redirects, and return the answer whatever its status.

    Parameters
    ----------
    url : str
        ``http`` or ``https`` address.
    headers : dict of str to str
        Header fields of the request.
    timeout_s : float
        Longest silence, while connecting and between any two bytes.

    Raises
    ------
    PassingFailure
        There was no answer.
    DataError
        The address is malformed, or the server's certificate is not valid.
    """
    try:
        return urlopen(Request(url, headers=headers), timeout=timeout_s)  # type: ignore[no-any-return]
    except HTTPError as error:
        return error  # type: ignore[return-value]
    except URLError as error:
        # A reason in words means that urllib did not even try: no host, or an unknown kind of address.
        if isinstance(error.reason, str | ssl.SSLCertVerificationError):
            raise DataError(f"{url}: {error.reason}", MIRROR_HINT) from error
        raise PassingFailure(f"no connection ({error.reason})") from error
    except (ValueError, http.client.InvalidURL) as error:
        raise DataError(f"{url} is not an address: {error}", MIRROR_HINT) from error
    except (OSError, http.client.HTTPException) as error:
        raise _lost(error, timeout_s) from error


def chunks(answer: http.client.HTTPResponse, chunk_bytes: int, timeout_s: float) -> Iterator[bytes]:
    """Give the body in pieces of at most ``chunk_bytes``, each as soon as it arrives.

    Raises
    ------
    PassingFailure
        The connection was lost or silent for too long. A body that ends early without either goes unnoticed
        where its length was declared: count the bytes.
    """
    while True:
        try:
            chunk = answer.read1(chunk_bytes)
        except (OSError, http.client.HTTPException) as error:
            raise _lost(error, timeout_s) from error
        if not chunk:
            return
        yield chunk


def refusal(url: str, answer: http.client.HTTPResponse) -> PassingFailure | DataError:
    """Return the exception for an answer that brings no file."""
    reason = f"the server answered {answer.status} {answer.reason}"
    if answer.status in _PASSING or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PassingFailure(reason, _retry_after_s(answer.headers.get("Retry-After")))
    return DataError(f"{url}: {reason}", MIRROR_HINT)


def _lost(error: Exception, timeout_s: float) -> PassingFailure:
    if isinstance(error, TimeoutError):
        return PassingFailure(f"the server was silent for {timeout_s:g} s")
    return PassingFailure(f"the connection was lost ({str(error) or type(error).__name__})")


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
