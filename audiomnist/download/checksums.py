"""The checksums of a corpus: every file's size, hash and header, to tell later whether all is as it was."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from audiomnist import audio
from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.download.sources import is_recording
from audiomnist.errors import DataError
from audiomnist.files import file_hash, write_text
from audiomnist.progress import Show, unseen


@dataclass(frozen=True)
class FileRecord:
    """One line of the checksums.

    Attributes
    ----------
    path : str
        Relative to the corpus folder, with ``/`` between the parts.
    size : int
        In bytes.
    sha256 : str
        Of the whole file, in hexadecimal.
    sample_rate, frames : int or None
        In Hz, and samples per channel; None for a file that is not a readable recording.
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


def write_checksums(folder: Path, *, progress: Show = unseen) -> list[FileRecord]:
    """Record every file below a folder in its ``manifest.jsonl``, on all cores; return the records by path."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS_NAME]
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    total_bytes = sum(sizes.values())
    done_bytes, records = 0, []
    for record in audio.map_in_order(lambda path: _record(folder, path), sorted(sizes)):
        records.append(record)
        done_bytes += record.size
        progress(done_bytes, total_bytes)
    lines = [json.dumps(asdict(record), ensure_ascii=False) for record in records]
    write_text(folder / CHECKSUMS_NAME, "".join(f"{line}\n" for line in lines))
    return records


def read_checksums(folder: Path) -> list[FileRecord]:
    """Read the checksums of a corpus.

    Raises DataError if there are none, or a line of them is broken.
    """
    file = folder / CHECKSUMS_NAME
    if not file.is_file():
        raise DataError(f"{folder} has no {CHECKSUMS_NAME}", "write it with: audiomnist download NAME --from FOLDER")
    parser = TypeAdapter(FileRecord)
    records = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            records.append(parser.validate_json(line, strict=True))
        except ValidationError as error:
            raise DataError(
                f"{file}, line {number}: not a record of a file", "remove the corpus folder and download it again"
            ) from error
    return records


def verify(folder: Path, *, deep: bool = False, progress: Show = unseen) -> dict[str, str]:
    """Compare a corpus with its checksums.

    Raises DataError if the checksums are missing or broken.

    Parameters
    ----------
    deep : bool
        Compare hashes and decode every recording to its end as well; otherwise sizes and headers.
    progress : callable
        Of bytes.

    Returns
    -------
    dict of str to str
        What is wrong with each file that is missing, changed, unreadable, or not recorded; empty if all is well.
    """
    records = read_checksums(folder)
    total_bytes = sum(record.size for record in records)
    done_bytes, problems = 0, {}
    checked = audio.map_in_order(lambda record: _problem(folder, record, deep), records)
    for record, problem in zip(records, checked, strict=True):
        if problem:
            problems[record.path] = problem
        done_bytes += record.size
        progress(done_bytes, total_bytes)
    clips = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if is_recording(path)}
    surplus = sorted(clips - {record.path for record in records})
    return problems | dict.fromkeys(surplus, "not in the checksums")


def _record(folder: Path, path: str) -> FileRecord:
    file = folder / path
    return FileRecord(path, file.stat().st_size, file_hash(file), *_header(file))


def _problem(folder: Path, record: FileRecord, deep: bool) -> str:
    """Say what is wrong with a file, or nothing."""
    file = folder / record.path
    try:
        size = file.stat().st_size
        if size != record.size:
            return f"{size:,} bytes instead of {record.size:,}"
        if is_recording(file) and not record.is_readable_clip:
            return "not a readable recording"
        if _header(file) != (record.sample_rate, record.frames):
            return "its header differs from the checksums"
        if deep and file_hash(file) != record.sha256:
            return "its content differs from the checksums"
        if deep and is_recording(file) and len(audio.decode(file)[0]) != record.frames:
            return "cannot be decoded to its end"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except DataError:
        return "cannot be decoded to its end"
    return ""


def _header(file: Path) -> tuple[int | None, int | None]:
    """Return sample rate and frames of a recording; None for both where there is none that can be read."""
    if not is_recording(file):
        return None, None
    try:
        header = audio.header(file)
    except DataError:
        return None, None
    return header.sample_rate, header.n_frames
