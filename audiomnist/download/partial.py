"""What has arrived of a file so far, and which version of the file it belongs to."""

import json
import re
from dataclasses import asdict, dataclass, replace
from email.message import Message
from pathlib import Path

from audiomnist.files import write_text

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Version:
    """What a server says about the file it sends, to know the same file again.

    Parameters
    ----------
    etag, last_modified : str or None
        The header fields of these names (RFC 9110, section 8.8).
    total_bytes : int or None
        Size of the whole file.
    """

    etag: str | None = None
    last_modified: str | None = None
    total_bytes: int | None = None

    @property
    def validator(self) -> str | None:
        """Value for ``If-Range``, which takes no weak entity tags (RFC 9110, section 13.1.5)."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def agrees(self, other: "Version") -> bool:
        """Whether nothing speaks against both being the same version."""
        mine, theirs = asdict(self), asdict(other)
        return all(None in (mine[key], theirs[key]) or mine[key] == theirs[key] for key in mine)


def version_of(headers: Message, total_bytes: int | None) -> Version:
    """Read the version from the header fields of an answer."""
    return Version(headers.get("ETag"), headers.get("Last-Modified"), total_bytes)


def content_range(headers: Message) -> tuple[int | None, int | None]:
    """Return where the sent part starts and how large the whole file is, in bytes; None where not said."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


class Partial:
    """The beginning of a file in ``NAME.part``, and its version in ``NAME.part.json``.

    Parameters
    ----------
    target : Path
        The file when it is whole.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._version_path = target.with_name(f"{target.name}.part.json")
        self.version = self._read_version()

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def is_whole(self) -> bool:
        """Whether as many bytes have arrived as the server announced."""
        return self.size > 0 and self.size == self.version.total_bytes

    def restart(self, version: Version) -> None:
        """Throw away what has arrived and begin another version of the file."""
        self.path.write_bytes(b"")
        self._write_version(version)

    def expect(self, total_bytes: int | None) -> None:
        """Learn the size of the whole file from a later answer, if the first did not tell it."""
        if self.version.total_bytes is None and total_bytes is not None:
            self._write_version(replace(self.version, total_bytes=total_bytes))

    def finish(self) -> None:
        """Give the file its name."""
        self.path.replace(self.target)
        self._version_path.unlink(missing_ok=True)

    def _write_version(self, version: Version) -> None:
        write_text(self._version_path, json.dumps(asdict(version)))
        self.version = version

    def _read_version(self) -> Version:
        try:
            return Version(**json.loads(self._version_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            # Without its version the beginning of a file cannot be continued.
            self.path.unlink(missing_ok=True)
            return Version()
