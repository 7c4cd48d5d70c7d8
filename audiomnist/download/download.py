"""Bring a public corpus to a folder: fetched, unpacked, checked, and there complete or not at all."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.corpus.new_folder import NewFolder
from audiomnist.download import hub
from audiomnist.download.archive import File, archive_files, folder_files, take
from audiomnist.download.checksums import FileRecord, read_checksums, verify, write_checksums
from audiomnist.download.fetch import MIRROR_HINT, Patience, fetch, require_free_disk
from audiomnist.download.sources import Say, Source
from audiomnist.errors import DataError, printable
from audiomnist.files import file_hash
from audiomnist.progress import Show, unseen


@dataclass(frozen=True)
class Downloaded:
    """A corpus that was downloaded, or that was there already.

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
    corpus: Source,
    out: Path,
    *,
    source: str | Path | None = None,
    patience: Patience | None = None,
    progress: Show = unseen,
    on_event: Say = lambda line: None,
) -> Downloaded:
    """Bring a corpus to a folder, or find that it is there.

    The folder appears in one step, when everything in it is complete. A call that was interrupted, however
    hard, is taken up by the next one; of two calls at once the second waits and uses what the first made.

    Raises DataError if the archive cannot be fetched, is damaged, holds no clip, or does not fit on the disk; or
    ``out`` holds something else.

    Parameters
    ----------
    corpus : Source
        See ``find_source``.
    out : Path
        The corpus folder to make; missing or empty, unless it holds the corpus already.
    source : str or Path, optional
        A mirror's ``http`` address, a zip or tar.gz archive on disk, an unpacked folder, or ``hub``; the published
        archive by default.
    patience : Patience, optional
        With the network.
    progress : callable
        Of bytes; the stages are fetching, unpacking and checking.
    on_event : callable
        See `Say`.
    """
    started_s = time.monotonic()
    origin = None if source is None else str(source)
    call = _Call(corpus, origin, NewFolder(out, "download"), patience or Patience(), progress, on_event)
    try:
        records, deviations = call.bring()
    except OSError as error:
        raise DataError(
            f"{error.filename or out}: {error.strerror or error}",
            "check the folder's permissions and its disk, then run the command again",
        ) from error
    clips = call.clips(records)
    return Downloaded(out, len(clips), sum(clip.size for clip in clips), time.monotonic() - started_s, deviations)


@dataclass(frozen=True)
class _Call:
    """One download; ``origin`` is None for the published archive."""

    corpus: Source
    origin: str | None
    place: NewFolder
    patience: Patience
    progress: Show
    say: Say

    @property
    def address(self) -> str:
        """What the user knows the origin by."""
        return self.corpus.url if self.origin is None else self.origin

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
        """Return the records of clips that can be read."""
        return [record for record in records if self.corpus.is_clip(record.path) and record.is_readable_clip]

    def _found(self) -> tuple[list[FileRecord], list[str]]:
        folder = self.place.target
        self.say(f"{folder} is already there; checking it")
        records = read_checksums(folder)
        changes = verify(folder, progress=self.progress)
        intact = [record for record in records if record.path not in changes]
        self._require_clips(intact, str(folder))
        problems = [f"{path}: {problem}" for path, problem in changes.items()]
        return intact, self.corpus.deviations(record.path for record in records) + problems

    def _made(self) -> tuple[list[FileRecord], list[str]]:
        with self.place.filling() as folder:
            origin = self._fetched()
            try:
                files = self._files(origin)
                unwanted = take(files, folder, self.corpus.place, name=self.address, progress=self.progress)
                self.say("checking the recordings")
                records = write_checksums(folder, progress=self.progress)
                self._require_clips(records, self.address)
            except DataError:
                if self.is_from_web:
                    origin.unlink()
                raise
            self.say(f"moving the corpus to {self.place.target}")
        broken = [record.path for record in records if self.corpus.is_clip(record.path) and not record.is_readable_clip]
        return records, [
            *self.corpus.deviations(record.path for record in records),
            *(f"{path}: not a readable recording" for path in broken),
            *(f"{printable(path)}: left out, not named like a clip" for path in unwanted if self.corpus.is_stray(path)),
        ]

    def _fetched(self) -> Path:
        """Return where the corpus can be taken from on this disk, having fetched it there if need be."""
        if not self.is_from_web and self.origin != hub.ORIGIN:
            return Path(self.address).expanduser()
        workspace = self.place.workspace
        kept_bytes = sum(file.stat().st_size for file in workspace.rglob("*") if file.is_file())
        needed_bytes = max(self.corpus.archive_bytes - kept_bytes, 0) + self.corpus.unpacked_bytes
        require_free_disk(workspace, needed_bytes)
        if self.origin == hub.ORIGIN:
            self.say(f"fetching {hub.REPOSITORY} from the hub")
            return hub.fetch_tables(self.corpus, workspace / hub.ORIGIN)
        archive = workspace / f"archive-{hashlib.sha256(self.address.encode()).hexdigest()[:12]}"
        self.say(f"fetching {self.address}")
        fetch(self.address, archive, patience=self.patience, progress=self.progress, say=self.say)
        if self.origin is None and self.corpus.sha256:
            self.say("checking the archive")
            if file_hash(archive) != self.corpus.sha256:
                archive.unlink()
                raise DataError(
                    f"{self.address} is not the archive that was published", f"run the command again, or {MIRROR_HINT}"
                )
        return archive

    def _files(self, origin: Path) -> Iterator[File]:
        if self.origin == hub.ORIGIN:
            self.say("unpacking the tables")
            return hub.table_files(origin, self.corpus)
        if origin.is_dir():
            self.say(f"copying from {origin}")
            return folder_files(origin)
        self.say("unpacking the archive")
        return archive_files(origin)

    def _require_clips(self, records: list[FileRecord], where: str) -> None:
        if not self.clips(records):
            name = self.corpus.clip_path.rpartition("/")[2]
            raise DataError(
                f"{where} holds no clip of {self.corpus.name} that can be read",
                f"clips are named like {name}; {MIRROR_HINT}",
            )

    def _require_origin(self) -> None:
        """Refuse what is no origin, before anything is made."""
        if self.is_from_web:
            if not self.address.lower().startswith(("http://", "https://")):
                raise DataError(f"{self.address} is not an http or https address", MIRROR_HINT)
        elif self.origin != hub.ORIGIN and not Path(self.address).expanduser().exists():
            raise DataError(f"{self.address} is neither a file nor a folder", MIRROR_HINT)
