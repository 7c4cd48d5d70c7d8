"""Unpack the wanted files of an archive that nobody vouches for, or copy those of a folder."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audiomnist.download.archive_formats import Entry, archive_entries, damage_explained
from audiomnist.download.sources import Progress
from audiomnist.errors import DataError

Place = Callable[[str], str | None]
"""From a file's path in an archive to its relative path in the corpus, or None for a file not wanted."""

_CHUNK_BYTES = 1 << 18
_UNSAFE_NAME = re.compile(r"/|[A-Za-z]:|(.*/)?\.\.(/|$)|.*[\\\x00-\x1f\x7f]", re.DOTALL)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold at most.

    Parameters
    ----------
    entries : int
        Files and folders, wanted or not.
    unpacked_bytes : int
        All files together, as declared and as they come.
    ratio : float
        Unpacked bytes for each byte of the archive.
    """

    entries: int = 100_000
    unpacked_bytes: int = 1 << 33
    ratio: float = 200.0


class Places:
    """Assigns each wanted file its place, and no place twice."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._taken: dict[str, str] = {}

    def __call__(self, name: str) -> str | None:
        """Return the relative path in the corpus, or None for a file that is not wanted.

        Raises
        ------
        DataError
            Another file has that place, or one that differs from it only by upper and lower case.
        """
        destination = self._place(name)
        if destination is None:
            return None
        if destination.casefold() in self._taken:
            raise DataError(
                f"'{self._taken[destination.casefold()]}' and '{name}' would both become {destination}",
                "Keep one of the two and remove the other.",
            )
        self._taken[destination.casefold()] = name
        return destination


def unpack(archive: Path, folder: Path, place: Place, *, progress: Progress, limits: Limits | None = None) -> list[str]:
    """Unpack the wanted files of an archive into a folder.

    Parameters
    ----------
    archive : Path
        A zip (stored or deflated), or a tar, plain or compressed with gzip, xz or bzip2; told by its content.
    folder : Path
        Where the files go; on an error it holds what was unpacked until then.
    place : callable
        See `Place`.
    progress : callable
        Receives the bytes of the archive that are read.
    limits : Limits, optional
        Bounds against archives made to fill the disk or the memory.

    Returns
    -------
    list of str
        Names of the files that were not wanted.

    Raises
    ------
    DataError
        The file is no archive, is damaged or encrypted, exceeds the limits, or holds an entry that has no
        business in a corpus: a path that leads elsewhere, a link, a device, or two files for one place.
    """
    limits = limits or Limits()
    places = Places(place)
    unwanted: list[str] = []
    count = unpacked_bytes = 0
    archive_bytes = archive.stat().st_size
    most_bytes = min(limits.unpacked_bytes, int(archive_bytes * limits.ratio))
    with archive.open("rb") as raw, damage_explained(archive):
        for entry in archive_entries(raw, archive, limits.entries, most_bytes):
            count += 1
            unpacked_bytes += max(entry.size_bytes, 0)
            _require_harmless(entry, archive)
            if count > limits.entries:
                raise _refused(archive, f"holds more than {limits.entries:,} entries")
            if unpacked_bytes > most_bytes:
                raise _refused(archive, f"unpacks to more than {most_bytes:,} bytes")
            if entry.is_folder:
                continue
            destination = places(entry.name)
            if destination is None:
                unwanted.append(entry.name)
                continue
            _write(entry, folder / destination)
            progress(min(raw.tell(), archive_bytes), archive_bytes)
    progress(archive_bytes, archive_bytes)
    return unwanted


def copy_wanted(origin: Path, folder: Path, place: Place, *, progress: Progress) -> list[str]:
    """Copy the wanted files of a folder into another; links to folders are not followed.

    Parameters
    ----------
    origin, folder : Path
        From where, and where to.
    place, progress : callable
        See `Place` and `Progress`.

    Returns
    -------
    list of str
        Relative paths of the files that were not wanted.

    Raises
    ------
    DataError
        Two files would have the same place.
    """
    places = Places(place)
    wanted: list[tuple[Path, str]] = []
    unwanted: list[str] = []
    for parent, _, names in os.walk(origin, onerror=_raise):
        for name in sorted(names):
            path = Path(parent, name)
            relative = path.relative_to(origin).as_posix()
            destination = places(relative)
            if destination is None:
                unwanted.append(relative)
            else:
                wanted.append((path, destination))
    total_bytes = sum(path.stat().st_size for path, _ in wanted)
    done_bytes = 0
    for path, destination in wanted:
        target = folder / destination
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        done_bytes += target.stat().st_size
        progress(done_bytes, total_bytes)
    return unwanted


def _raise(error: OSError) -> None:
    raise error


def _require_harmless(entry: Entry, archive: Path) -> None:
    if not entry.name or _UNSAFE_NAME.match(entry.name):
        raise _refused(archive, f"holds the path {entry.name!r}, which may lead out of the folder")
    if entry.objection:
        raise _refused(archive, f"holds '{entry.name}', which {entry.objection}")


def _write(entry: Entry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with entry.open() as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)


def _refused(archive: Path, why: str) -> DataError:
    return DataError(f"{archive} {why}", "Do not use this archive; fetch the corpus from its own source.")
