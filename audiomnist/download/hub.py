"""AudioMNIST from its mirror on the Hugging Face Hub: parquet tables turned into the corpus's own layout.

The mirror holds one row per clip: ``audio`` (the WAV file's bytes and its name), ``digit``, ``speaker_id`` and what is
known of the speaker (``gender``, ``accent``, ``age``, ``native_speaker``, ``origin``).
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiomnist.corpus.metadata import FILE_NAME
from audiomnist.download.sources import Progress, Source
from audiomnist.errors import ConfigError, DataError

ORIGIN = "hub"
REPOSITORY = "gilkeyio/AudioMNIST"
_ROWS_AT_ONCE = 256
_SPEAKER_COLUMNS = {
    "gender": "gender",
    "accent": "accent",
    "age": "age",
    "native_speaker": "native speaker",
    "origin": "origin",
}


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
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{REPOSITORY} cannot be fetched from the hub: {reason}",
            "run the command again, or leave out --from hub to take the corpus's own archive",
        ) from error
    return folder


def unpack_tables(tables: Path, folder: Path, source: Source, *, progress: Progress) -> list[str]:
    """Write the clips and the speakers' metadata of parquet tables in the corpus's layout.

    A clip keeps the number in its file name; where the table gives no such name, clips of a speaker and digit are
    numbered as they come.

    Returns
    -------
    list of str
        Names of recordings left out; always empty, since a row that cannot be placed is an error.

    Raises
    ------
    DataError
        If there is no table, a column is missing, or two rows are the same clip.
    """
    import pyarrow
    from pyarrow import parquet

    speakers: dict[str, dict[str, Any]] = {}
    counted: Counter[tuple[str, str]] = Counter()
    files = sorted(tables.rglob("*.parquet"))
    if not files:
        raise DataError(f"no parquet table in {tables}", "run the command again without --from hub")
    total = sum(file.stat().st_size for file in files)
    done = 0
    for file in files:
        try:
            for batch in parquet.ParquetFile(file).iter_batches(_ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    _write_row(row, folder, source, speakers, counted)
        except (pyarrow.ArrowException, KeyError, TypeError) as error:
            raise DataError(
                f"{file.name}: not a table of clips ({error!r})",
                "leave out --from hub to take the corpus's own archive",
            ) from error
        done += file.stat().st_size
        progress(done, total)
    text = json.dumps(dict(sorted(speakers.items())), indent=4)
    (folder / "data" / FILE_NAME).write_text(text, encoding="utf-8")
    return []


def _write_row(
    row: Mapping[str, Any],
    folder: Path,
    source: Source,
    speakers: dict[str, dict[str, Any]],
    counted: Counter[tuple[str, str]],
) -> None:
    digit, speaker = str(row["digit"]), f"{int(row['speaker_id']):02d}"
    name = re.split(r"[/\\]", row["audio"].get("path") or "")[-1]
    place = source.place(name) if source.is_clip(name) else None
    if place is None:
        place = source.clip_path.format(digit=digit, speaker=speaker, repetition=counted[speaker, digit])
        counted[speaker, digit] += 1
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise DataError(f"{place} stands twice in the tables", "leave out --from hub to take the corpus's own archive")
    path.write_bytes(row["audio"]["bytes"])
    known = {ours: row[theirs] for theirs, ours in _SPEAKER_COLUMNS.items() if row.get(theirs) is not None}
    speakers.setdefault(speaker, known)
