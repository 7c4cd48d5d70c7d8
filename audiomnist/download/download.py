"""Bring a public corpus to a folder: fetched, unpacked, checked, and there complete or not at all."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.corpus.new_folder import NewFolder
from audiomnist.download import hub
from audiomnist.download.archive import copy_wanted, unpack
from audiomnist.download.checksums import FileRecord, read_checksums, verify, write_checksums
from audiomnist.download.fetch import MIRROR_HINT, FetchSettings, fetch, require_free_disk
from audiomnist.download.sources import Progress, Say, Source, find_source
from audiomnist.errors import DataError


@dataclass(frozen=True)
class Report:
    """What a download left behind.

    Attributes
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
        Everything in which the corpus differs from a complete one; empty if it is complete.
    """

    path: Path
    clips: int
    bytes: int
    seconds: float
    deviations: list[str]


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
        ``audiomnist``, ``fsdd`` or ``speech-commands``, or a corpus described by hand.
    out : Path
        The corpus folder to make; missing or empty, unless it holds the corpus already.
    source : str or Path, optional
        A mirror's ``http`` address, a zip or tar.gz archive on disk, or an unpacked folder; the published
        archive by default.
    settings : FetchSettings, optional
        Patience with the network.
    progress : callable, optional
        See `Progress`; the stages are fetching, unpacking and checking.
    on_event : callable, optional
        See `Say`.

    Raises
    ------
    UsageError
        If no corpus has that name.
    DataError
        If the archive cannot be fetched, is damaged or not to be trusted, holds no clip, or does not fit on the
        disk; or ``out`` holds something else.
    """
    started_s = time.monotonic()
    call = _Call(
        source=find_source(name) if isinstance(name, str) else name,
        origin=None if source is None else str(source),
        place=NewFolder(out, "download"),
        settings=settings or FetchSettings(),
        progress=progress or (lambda done, total: None),
        say=on_event or (lambda line: None),
    )
    try:
        records, deviations = call.bring()
    except OSError as error:
        raise DataError(
            f"{error.filename or out}: {error.strerror or error}",
            "check the folder's permissions and its disk, then run the command again",
        ) from error
    clips = call.clips(records)
    return Report(
        path=out,
        clips=len(clips),
        bytes=sum(clip.size for clip in clips),
        seconds=time.monotonic() - started_s,
        deviations=deviations,
    )


@dataclass(frozen=True)
class _Call:
    source: Source
    origin: str | None
    place: NewFolder
    settings: FetchSettings
    progress: Progress
    say: Say

    @property
    def address(self) -> str:
        """What the user knows the origin by."""
        return self.source.url if self.origin is None else self.origin

    @property
    def is_from_web(self) -> bool:
        return "://" in self.address

    @property
    def is_made(self) -> bool:
        return (self.place.target / CHECKSUMS_NAME).is_file()

    def bring(self) -> tuple[list[FileRecord], list[str]]:
        if self.is_made and self.place.is_clear:
            return self._found()
        if not self.is_made:
            self._require_origin()
        with self.place.alone(self.say):
            if not self.is_made:
                return self._made()
            self.place.remove_leftovers()
            return self._found()

    def clips(self, records: list[FileRecord]) -> list[FileRecord]:
        return [record for record in records if self.source.is_clip(record.path) and record.is_readable_clip]

    def _found(self) -> tuple[list[FileRecord], list[str]]:
        folder = self.place.target
        self.say(f"{folder} is there already; checking it")
        records = read_checksums(folder)
        changes = verify(folder, progress=self.progress)
        intact = [record for record in records if record.path not in changes]
        self._require_clips(intact, str(folder))
        shape = self.source.shape_deviations(record.path for record in records)
        return intact, shape + [f"{path}: {problem}" for path, problem in changes.items()]

    def _made(self) -> tuple[list[FileRecord], list[str]]:
        with self.place.filling() as folder:
            origin = self._brought(folder)
            try:
                unwanted = self._fill(origin, folder)
                self.say("checking the recordings")
                records = write_checksums(folder, progress=self.progress)
                self._require_clips(records, str(origin))
            except DataError as error:
                if self.is_from_web:
                    origin.unlink()
                raise DataError(error.message.replace(str(origin), self.address), error.hint) from error
            self.say(f"moving the corpus to {self.place.target}")
        deviations = self.source.shape_deviations(record.path for record in records)
        for record in records:
            if self.source.is_clip(record.path) and not record.is_readable_clip:
                deviations.append(f"{record.path}: no readable recording")
        # Names in a folder need not be text; what is shown of them must be.
        strays = [name.encode(errors="backslashreplace").decode() for name in unwanted if self.source.is_stray(name)]
        return records, deviations + [f"{name}: left out, not named like a clip" for name in strays]

    def _brought(self, folder: Path) -> Path:
        """Return where the corpus can be taken from on this disk, having fetched it there if need be."""
        workspace = self.place.workspace
        needed_bytes = self.source.archive_bytes + self.source.unpacked_bytes
        if self.origin == hub.ORIGIN:
            self.say(f"fetching {hub.REPOSITORY} from the hub")
            require_free_disk(workspace, needed_bytes)
            return hub.fetch_tables(self.source, workspace / hub.ORIGIN)
        if not self.is_from_web:
            origin = Path(self.address).expanduser()
            files = origin.rglob("*") if origin.is_dir() else [origin]
            wanted = (file for file in files if file == origin or self.source.place(file.as_posix()) is not None)
            require_free_disk(folder, sum(file.stat().st_size for file in wanted))
            return origin
        archive = workspace / f"archive-{hashlib.sha256(self.address.encode()).hexdigest()[:12]}"
        for kept in workspace.glob("archive-*"):
            if not kept.name.startswith(archive.name):
                kept.unlink()
        kept_bytes = sum(file.stat().st_size for file in workspace.glob("archive-*"))
        require_free_disk(workspace, max(needed_bytes - min(kept_bytes, self.source.archive_bytes), 0))
        self.say(f"fetching {self.address}")
        fetch(self.address, archive, settings=self.settings, progress=self.progress, say=self.say)
        self._require_published(archive)
        return archive

    def _require_published(self, archive: Path) -> None:
        """Compare a fetched archive with the published one's hash, where there is one that never changes."""
        if self.origin is not None or self.source.sha256 is None:
            return
        self.say("checking the archive")
        with archive.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() == self.source.sha256:
                return
        archive.unlink()
        raise DataError(f"{self.address} is not the archive that was published", f"run it again, or {MIRROR_HINT}")

    def _fill(self, origin: Path, folder: Path) -> list[str]:
        """Fill a folder with the corpus's files, and return the names of the files left out."""
        if self.origin == hub.ORIGIN:
            self.say("unpacking the tables")
            return hub.unpack_tables(origin, folder, self.source, progress=self.progress)
        if origin.is_dir():
            self.say(f"copying from {origin}")
            return copy_wanted(origin, folder, self.source.place, progress=self.progress)
        self.say("unpacking the archive")
        return unpack(origin, folder, self.source.place, progress=self.progress)

    def _require_clips(self, records: list[FileRecord], where: str) -> None:
        if not self.clips(records):
            name = self.source.clip_path.rpartition("/")[2]
            raise DataError(
                f"{where} holds no clip of {self.source.name} that can be read",
                f"clips are named like {name}; {MIRROR_HINT}",
            )

    def _require_origin(self) -> None:
        if self.origin == hub.ORIGIN:
            return
        if self.is_from_web:
            if not self.address.lower().startswith(("http://", "https://")):
                raise DataError(f"{self.address} is not an http or https address", MIRROR_HINT)
            return
        origin = Path(self.address).expanduser()
        if not (origin.is_file() or origin.is_dir()):
            raise DataError(f"{origin} is neither a file nor a folder", MIRROR_HINT)
