"""Bring a public corpus to a folder: fetched, unpacked, checked, and there as a whole or not at all."""

import time
from dataclasses import dataclass
from pathlib import Path

from audiomnist.download import hub
from audiomnist.download.archive import copy_wanted, unpack
from audiomnist.download.checksums import FileRecord, read_manifest, verify, write_manifest
from audiomnist.download.connection import MIRROR_HINT
from audiomnist.download.fetch import FetchSettings, fetch, require_free_disk
from audiomnist.download.sources import Progress, Say, Source, find_source
from audiomnist.download.workplace import Workplace
from audiomnist.errors import DataError


@dataclass(frozen=True)
class Report:
    """What a download left behind.

    Parameters
    ----------
    path : Path
        Folder of the corpus.
    clips : int
        Recordings in it that are as they should be.
    bytes : int
        Size of these recordings.
    seconds : float
        Time the call took.
    deviations : list of str
        Everything in which the corpus differs from a whole one; empty if it is whole.
    """

    path: Path
    clips: int
    bytes: int
    seconds: float
    deviations: list[str]


@dataclass(frozen=True)
class _Call:
    source: Source
    origin: str
    settings: FetchSettings
    progress: Progress
    say: Say

    @property
    def is_from_web(self) -> bool:
        return "://" in self.origin

    @property
    def is_from_hub(self) -> bool:
        return self.origin == hub.ORIGIN


def download(
    name: str | Source,
    out: Path,
    *,
    source: str | Path | None = None,
    settings: FetchSettings | None = None,
    progress: Progress | None = None,
    on_event: Say | None = None,
) -> Report:
    """Bring a corpus to a folder, or find that it is there.

    The folder appears in one step, when everything in it is complete. A call that was interrupted, however
    hard, is taken up by the next one; of two calls at once the second waits and uses what the first made.

    Parameters
    ----------
    name : str or Source
        ``audiomnist`` or ``fsdd``, or a corpus described by hand.
    out : Path
        The corpus folder to make; missing or empty, unless it holds the corpus already.
    source : str or Path, optional
        A mirror's ``http`` address, a zip or tar archive on disk, or an unpacked folder; the published
        archive by default.
    settings : FetchSettings, optional
        Patience with the network.
    progress : callable, optional
        See `Progress`; the stages are fetching, unpacking and checking.
    on_event : callable, optional
        See `Say`.

    Returns
    -------
    Report
        What is in the folder now.

    Raises
    ------
    UsageError
        No corpus has that name.
    DataError
        The archive cannot be fetched, is damaged or not to be trusted, holds no clip, or does not fit on the
        disk; or ``out`` holds something else.
    """
    started_s = time.monotonic()
    corpus = find_source(name) if isinstance(name, str) else name
    call = _Call(
        source=corpus,
        origin=corpus.url if source is None else str(source),
        settings=settings or FetchSettings(),
        progress=progress or (lambda done, total: None),
        say=on_event or (lambda line: None),
    )
    try:
        records, deviations = _bring(call, Workplace(out))
    except OSError as error:
        raise DataError(
            f"{error.filename or out}: {error.strerror or error}",
            "Check the folder's permissions and its disk, then run the command again.",
        ) from error
    clips = _clips(call, records)
    return Report(
        path=out,
        clips=len(clips),
        bytes=sum(clip.size for clip in clips),
        seconds=time.monotonic() - started_s,
        deviations=deviations,
    )


def _bring(call: _Call, workplace: Workplace) -> tuple[list[FileRecord], list[str]]:
    if workplace.is_done and workplace.is_clear:
        return _found(call, workplace.target)
    if not workplace.is_done:
        _require_origin(call)
    with workplace.alone(call.say):
        result = _found(call, workplace.target) if workplace.is_done else _made(call, workplace)
        workplace.clear()
    return result


def _found(call: _Call, folder: Path) -> tuple[list[FileRecord], list[str]]:
    call.say(f"{folder} is there already; checking it")
    records = read_manifest(folder)
    changes = verify(folder, progress=call.progress)
    changed = {change.path for change in changes}
    intact = [record for record in records if record.path not in changed]
    _require_clips(call, intact, str(folder))
    shape = call.source.shape_deviations(record.path for record in records)
    return intact, shape + [str(change) for change in changes]


def _made(call: _Call, workplace: Workplace) -> tuple[list[FileRecord], list[str]]:
    with workplace.begin() as folder:
        origin = _origin(call, workplace, folder)
        try:
            unwanted = _unpack_or_copy(call, origin, folder)
            call.say("checking the recordings")
            records = write_manifest(folder, progress=call.progress)
            _require_clips(call, records, str(origin))
        except DataError as error:
            if call.is_from_web:
                origin.unlink()
            raise DataError(error.message.replace(str(origin), call.origin), error.hint) from error
        call.say(f"moving the corpus to {workplace.target}")
        workplace.finish()
    deviations = call.source.shape_deviations(record.path for record in records)
    for record in records:
        if call.source.is_clip(record.path) and not record.is_readable_clip:
            deviations.append(f"{record.path}: no readable recording")
    # Names in a folder need not be text; what is told of them must be.
    names = [name.encode(errors="backslashreplace").decode() for name in unwanted if _is_stray(name)]
    strays = [f"{name}: left out, not named like a clip" for name in names]
    return records, deviations + strays


def _origin(call: _Call, workplace: Workplace, folder: Path) -> Path:
    """Return where the corpus can be taken from on this disk, having brought it there if need be."""
    if call.is_from_hub:
        call.say(f"fetching {hub.REPOSITORY} from the hub")
        require_free_disk(workplace.folder, call.source.archive_bytes + call.source.unpacked_bytes)
        return hub.fetch_tables(call.source, workplace.folder / hub.ORIGIN)
    return _fetched(call, workplace) if call.is_from_web else _local(call, folder)


def _fetched(call: _Call, workplace: Workplace) -> Path:
    archive = workplace.archive_from(call.origin)
    kept_bytes = sum(file.stat().st_size for file in workplace.folder.glob("archive-*"))
    needed_bytes = max(call.source.archive_bytes - kept_bytes, 0) + call.source.unpacked_bytes
    require_free_disk(workplace.folder, needed_bytes)
    call.say(f"fetching {call.origin}")
    fetch(call.origin, archive, settings=call.settings, progress=call.progress, say=call.say)
    return archive


def _local(call: _Call, folder: Path) -> Path:
    origin = Path(call.origin).expanduser()
    files = origin.rglob("*") if origin.is_dir() else [origin]
    wanted = (file for file in files if file == origin or call.source.place(file.name) is not None)
    require_free_disk(folder, sum(file.stat().st_size for file in wanted))
    return origin


def _unpack_or_copy(call: _Call, origin: Path, folder: Path) -> list[str]:
    """Fill a folder with the corpus's files, and return the names of the files left out."""
    if call.is_from_hub:
        call.say("unpacking the tables")
        return hub.unpack_tables(origin, folder, call.source, progress=call.progress)
    if origin.is_dir():
        call.say(f"copying from {origin}")
        return copy_wanted(origin, folder, call.source.place, progress=call.progress)
    call.say("unpacking the archive")
    return unpack(origin, folder, call.source.place, progress=call.progress)


def _clips(call: _Call, records: list[FileRecord]) -> list[FileRecord]:
    return [record for record in records if call.source.is_clip(record.path) and record.is_readable_clip]


def _is_stray(name: str) -> bool:
    """Tell a recording that was left out from the shadow that macOS archives keep of every file."""
    return name.lower().endswith(".wav") and not name.rpartition("/")[2].startswith("._")


def _require_clips(call: _Call, records: list[FileRecord], where: str) -> None:
    if not _clips(call, records):
        raise DataError(
            f"{where} holds no clip of {call.source.name} that can be read",
            f"Clips are named like {call.source.clip_path.rpartition('/')[2]}. {MIRROR_HINT}",
        )


def _require_origin(call: _Call) -> None:
    if call.is_from_hub:
        return
    if call.is_from_web:
        if not call.origin.lower().startswith(("http://", "https://")):
            raise DataError(f"{call.origin} is not an http or https address", MIRROR_HINT)
        return
    origin = Path(call.origin).expanduser()
    if not (origin.is_file() or origin.is_dir()):
        raise DataError(f"{origin} is neither a file nor a folder", MIRROR_HINT)
