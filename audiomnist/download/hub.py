"""AudioMNIST from its mirror on the Hugging Face Hub: parquet tables turned into the corpus's own layout.

The mirror holds one row per clip: ``audio`` (the WAV file's bytes and its name), ``digit``, ``speaker_id`` and what is
known of the speaker (``gender``, ``accent``, ``age``, ``native_speaker``, ``origin``).
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from audiomnist.corpus.metadata import FILE_NAME
from audiomnist.download.archive import File
from audiomnist.download.sources import Source
from audiomnist.errors import ConfigError, DataError, first_line

ORIGIN = "hub"
REPOSITORY = "gilkeyio/AudioMNIST"
_ROWS_AT_ONCE = 256
_HINT = f"leave out --from {ORIGIN} to take the corpus's own archive"


class _Audio(BaseModel):
    content: bytes = Field(alias="bytes")
    path: str | None = None


class _Row(BaseModel):
    """A clip of the mirror; digit and speaker can only be what a path of the corpus may hold."""

    audio: _Audio
    digit: int = Field(ge=0, le=9)
    speaker_id: int = Field(ge=0, le=99)
    gender: str | None = None
    accent: str | None = None
    age: int | str | None = None
    native_speaker: bool | str | None = None
    origin: str | None = None

    @property
    def speaker(self) -> str:
        return f"{self.speaker_id:02d}"

    def about_speaker(self) -> dict[str, object]:
        known = self.model_dump(include={"gender", "accent", "age", "native_speaker", "origin"}, exclude_none=True)
        return {name.replace("_", " "): value for name, value in known.items()}


def fetch_tables(source: Source, folder: Path) -> Path:
    """Bring the mirror's parquet files to a folder; huggingface-hub resumes what an earlier call began.

    Raises
    ------
    ConfigError
        If the packages of the ``hub`` extra are not installed.
    DataError
        If there is no mirror of this corpus, or the hub cannot be reached.
    """
    if source.name != "audiomnist":
        raise DataError(f"{source.name} is not on the hub", f"leave out --from {ORIGIN}")
    try:
        import pyarrow  # noqa: F401, asked for before a gigabyte is fetched
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed", "pip install 'audiomnist[hub]'") from error
    try:
        snapshot_download(REPOSITORY, repo_type="dataset", allow_patterns=["*.parquet"], local_dir=folder)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise DataError(
            f"{REPOSITORY} cannot be fetched from the hub: {first_line(error)}", f"run the command again, or {_HINT}"
        ) from error
    return folder


def table_files(tables: Path, source: Source) -> Iterator[File]:
    """Give the clips of parquet tables, and the speakers' metadata, as an archive of the corpus would have them.

    A clip keeps the number in its file name, which must agree with its row; where the table gives no such name, clips
    of a speaker and digit are numbered as they come.

    Raises DataError if there is no table, or a column is missing or holds what it must not.
    """
    import pyarrow
    from pyarrow import parquet

    speakers: dict[str, dict[str, object]] = {}
    counted: Counter[tuple[str, int]] = Counter()
    files = sorted(tables.rglob("*.parquet"))
    if not files:
        raise DataError(f"no parquet table in {tables}", f"run the command again without --from {ORIGIN}")
    end = sum(file.stat().st_size for file in files)
    position = 0
    for file in files:
        try:
            for batch in parquet.ParquetFile(file).iter_batches(_ROWS_AT_ONCE):
                for row in map(_Row.model_validate, batch.to_pylist()):
                    speakers.setdefault(row.speaker, row.about_speaker())
                    sound = row.audio.content
                    yield File(_name(row, source, counted), len(sound), position, end, partial(BytesIO, sound))
        except (pyarrow.ArrowException, ValidationError) as error:
            reason = str(error).strip().replace("\n", " ")
            raise DataError(f"{file.name}: not a table of clips ({reason})", _HINT) from error
        position += file.stat().st_size
    metadata = json.dumps(dict(sorted(speakers.items())), indent=4).encode()
    yield File(FILE_NAME, len(metadata), end, end, partial(BytesIO, metadata))


def _name(row: _Row, source: Source, counted: Counter[tuple[str, int]]) -> str:
    name = re.split(r"[/\\]", row.audio.path or "")[-1]
    if not source.is_clip(name):
        repetition = counted[row.speaker, row.digit]
        counted[row.speaker, row.digit] += 1
        return f"{row.digit}_{row.speaker}_{repetition}.wav"
    if not name.startswith(f"{row.digit}_{row.speaker}_"):
        raise DataError(f"the tables call {name} a {row.digit} of speaker {row.speaker}", _HINT)
    return name
