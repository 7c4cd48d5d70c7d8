"""The manifest of a corpus: every file's size, hash and header, to tell later whether all is as it was."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import soundfile
from pydantic import TypeAdapter, ValidationError

from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.download.sources import Progress
from audiomnist.errors import DataError
from audiomnist.files import write_text

_CLIP_SUFFIX = ".wav"
_BLOCK_FRAMES = 1 << 16

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class FileRecord:
    """One line of the manifest.

    Parameters
    ----------
    path : str
        Relative to the corpus folder, with ``/`` between the parts.
    size : int
        In bytes.
    sha256 : str
        Of the whole file, in hexadecimal.
    sample_rate : int or None
        In Hz; None for a file that is no readable recording.
    frames : int or None
        Samples per channel; None for a file that is no readable recording.
    """

    path: str
    size: int
    sha256: str
    sample_rate: int | None
    frames: int | None

    @property
    def is_readable_clip(self) -> bool:
        """Whether the file is a recording whose header can be read, with sound in it."""
        return bool(self.sample_rate and self.frames)


@dataclass(frozen=True)
class Deviation:
    """A file that is not as the manifest says.

    Parameters
    ----------
    path : str
        Relative to the corpus folder.
    problem : str
        What is wrong with it.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def write_manifest(folder: Path, *, progress: Progress | None = None) -> list[FileRecord]:
    """Record every file below a folder in its ``manifest.jsonl``, on all cores.

    Parameters
    ----------
    folder : Path
        The corpus.
    progress : callable, optional
        Receives the bytes that are read.

    Returns
    -------
    list of FileRecord
        In the order of their paths.
    """
    paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != CHECKSUMS_NAME
    )
    total_bytes = sum((folder / path).stat().st_size for path in paths)
    done_bytes, records = 0, []
    for record in _on_all_cores(lambda path: _record(folder, path), paths):
        records.append(record)
        done_bytes += record.size
        if progress is not None:
            progress(done_bytes, total_bytes)
    lines = [json.dumps(asdict(record), ensure_ascii=False) for record in records]
    write_text(folder / CHECKSUMS_NAME, "".join(f"{line}\n" for line in lines))
    return records


def read_manifest(folder: Path) -> list[FileRecord]:
    """Read a corpus's manifest.

    Raises
    ------
    DataError
        There is none, or a line of it is broken.
    """
    manifest = folder / CHECKSUMS_NAME
    if not manifest.is_file():
        raise DataError(f"{folder} has no {CHECKSUMS_NAME}", "It is written by: audiomnist download NAME --from FOLDER")
    parser = TypeAdapter(FileRecord)
    records = []
    for number, line in enumerate(manifest.read_bytes().splitlines(), start=1):
        try:
            record = parser.validate_json(line, strict=True)
        except ValidationError as error:
            raise _broken(manifest, number) from error
        path = PurePosixPath(record.path)
        if path.is_absolute() or ".." in path.parts:
            raise _broken(manifest, number)
        records.append(record)
    return records


def verify(folder: Path, *, deep: bool = False, progress: Progress | None = None) -> list[Deviation]:
    """Compare a corpus with its manifest.

    Parameters
    ----------
    folder : Path
        The corpus.
    deep : bool
        Compare hashes and decode every recording to its end as well; otherwise sizes and headers.
    progress : callable, optional
        Receives the bytes of the files that are done.

    Returns
    -------
    list of Deviation
        Files that are missing, changed, unreadable, or not in the manifest; empty if all is well.

    Raises
    ------
    DataError
        The manifest is missing or broken.
    """
    records = read_manifest(folder)
    total_bytes = sum(record.size for record in records)
    done_bytes, deviations = 0, []
    checked = _on_all_cores(lambda record: _problem(folder, record, deep), records)
    for record, problem in zip(records, checked, strict=True):
        if problem:
            deviations.append(Deviation(record.path, problem))
        done_bytes += record.size
        if progress is not None:
            progress(done_bytes, total_bytes)
    known = {record.path for record in records}
    clips = (path for path in folder.rglob("*") if path.suffix.lower() == _CLIP_SUFFIX)
    surplus = sorted({path.relative_to(folder).as_posix() for path in clips} - known)
    return deviations + [Deviation(path, "not in the manifest") for path in surplus]


def _record(folder: Path, path: str) -> FileRecord:
    file = folder / path
    sample_rate, frames = _header(file) if file.suffix.lower() == _CLIP_SUFFIX else (None, None)
    return FileRecord(path, file.stat().st_size, _sha256(file), sample_rate, frames)


def _problem(folder: Path, record: FileRecord, deep: bool) -> str:
    """Say what is wrong with a file, or nothing."""
    file = folder / record.path
    try:
        size = file.stat().st_size
        if size != record.size:
            return f"{size:,} bytes instead of {record.size:,}"
        is_clip = file.suffix.lower() == _CLIP_SUFFIX
        if is_clip and not record.is_readable_clip:
            return "no readable recording"
        if is_clip and _header(file) != (record.sample_rate, record.frames):
            return "another header than in the manifest"
        if deep and _sha256(file) != record.sha256:
            return "another content than in the manifest"
        if deep and is_clip and _decoded_frames(file) != record.frames:
            return "cannot be decoded to its end"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ""


def _header(file: Path) -> tuple[int | None, int | None]:
    try:
        info = soundfile.info(file)
    except soundfile.SoundFileError:
        return None, None
    return info.samplerate, info.frames


def _decoded_frames(file: Path) -> int | None:
    try:
        with soundfile.SoundFile(file) as sound:
            return sum(len(block) for block in sound.blocks(_BLOCK_FRAMES, dtype="float32"))
    except soundfile.SoundFileError:
        return None


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _on_all_cores(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    executor = ThreadPoolExecutor(os.cpu_count())
    try:
        yield from executor.map(function, items)
    finally:
        executor.shutdown(cancel_futures=True)


def _broken(manifest: Path, number: int) -> DataError:
    return DataError(
        f"{manifest}, line {number}: not a record of a file",
        "Remove the corpus folder and download it again.",
    )
