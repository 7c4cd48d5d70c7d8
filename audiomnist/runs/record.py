"""What a folder of results is, where it was made, and which files belong to it, written down in the folder itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from audiomnist.config import Config, load
from audiomnist.errors import DataError
from audiomnist.files import atomic_path, file_hash
from audiomnist.runs.documents import Document, Versioned

Kind = Literal["train", "kfold", "evaluation"]


class Environment(Document):
    """What a run is computed with and on: another machine must have the same to compute the same, bit for bit.

    Attributes
    ----------
    command : str
        As it could be typed again.
    audiomnist, python : str
        Versions.
    git : str or None
        Commit of the source that the program runs from, with ``+`` if files were changed; None if it is installed.
    libraries : dict of str to str
        Versions of what numbers depend on.
    system, processor : str
        Operating system, and the processor with the kernels that torch chooses on it.
    device : str
        Where the network was trained.
    threads, processes : int
        Of torch in each process, and processes that trained together.
    """

    command: str
    audiomnist: str
    python: str
    git: str | None
    libraries: dict[str, str]
    system: str
    processor: str
    device: str
    threads: int
    processes: int

    def differences(self, other: Environment) -> dict[str, tuple[str, str]]:
        """Return what is not the same in another environment but the command: by name, the value here and there."""
        ours, theirs = ({**one.model_dump(exclude={"command", "libraries"}), **one.libraries} for one in (self, other))
        pairs = {name: (str(ours.get(name, "none")), str(theirs.get(name, "none"))) for name in {**ours, **theirs}}
        return {name: (here, there) for name, (here, there) in pairs.items() if here != there}


class Record(Versioned):
    """What a folder is, and the SHA-256 of its files.

    Attributes
    ----------
    started : datetime
        When its work began.
    classes : tuple of str
        What the network tells apart, in the order of its outputs.
    identity : str or None
        Of an evaluation: hash of what was tested, and with which weights.
    run : str or None
        Of an evaluation: the folder of the run, or the model file.
    folds : int or None
        Of a cross validation: how many there are.
    environment : Environment or None
        Of a training or a cross validation: where it was begun; None in folders of earlier versions.
    files : dict of str to tuple of str or None
        By name. While a file is replaced there are two, the newer first; None stands for no file.
    """

    kind: Kind
    started: datetime = Field(default_factory=lambda: datetime.now(UTC).astimezone())
    classes: tuple[str, ...]
    identity: str | None = None
    run: str | None = None
    folds: int | None = None
    environment: Environment | None = None
    files: dict[str, tuple[str | None, ...]] = Field(default_factory=dict)


class File:
    """A file of a folder, by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, folder: Folder, owner: object = None) -> Path:
        return folder.path / self._name


@dataclass(frozen=True)
class Folder:
    """A folder whose record says which files belong to it; those of earlier versions have none."""

    path: Path
    record_file = File("record.json")
    config = File("config.yaml")  # resolved
    predictions = File("predictions.csv")  # a line per test clip
    metrics = File("metrics.json")  # the result
    robustness = File("robustness.json")  # accuracy under distortions
    figures = File("figures")  # a folder of pictures

    @property
    def record(self) -> Record | None:
        """What the folder says of itself, None in one of an earlier version."""
        return Record.load(self.record_file, "restore the file") if self.record_file.exists() else None

    def load_config(self) -> Config:
        """Read the resolved configuration."""
        return load(self.verified(self.config))

    def verified(self, file: Path) -> Path:
        """Return a file of this folder; raise DataError unless it is the one that was written here."""
        record = self.record
        if record is None:
            return file
        hint = "restore the file from a backup, or start again in another folder"
        known = record.files.get(file.name, (None,))
        found = file_hash(file) if file.is_file() else None
        if found not in known:
            raise DataError(f"{file} {'is gone' if found is None else 'is not the file that was written here'}", hint)
        return file

    @contextmanager
    def replacing(self, *files: Path) -> Iterator[tuple[Path, ...]]:
        """Give a temporary path for each file; when the block ends well they take the files' places, in this order.

        The record knows both generations until all are in place, so a stop at any moment leaves a folder that is whole.
        """
        record = self.record
        with ExitStack() as stack:
            temporaries = tuple(stack.enter_context(atomic_path(file)) for file in reversed(files))[::-1]
            yield temporaries
            if record is None:  # a run of an earlier version stays one
                return
            new = {file.name: file_hash(temporary) for file, temporary in zip(files, temporaries, strict=True)}
            old = {file.name: file_hash(file) if file.exists() else None for file in files}
            self._write(record, {name: (new[name], old[name]) for name in new})
        self._write(record, {name: (digest,) for name, digest in new.items()})

    def _write(self, record: Record, files: dict[str, tuple[str | None, ...]]) -> None:
        record.model_copy(update={"files": record.files | files}).save(self.record_file)
