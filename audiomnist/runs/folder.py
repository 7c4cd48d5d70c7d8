"""The folder that holds all of one training run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

from audiomnist import distributed
from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.errors import DataError, command
from audiomnist.files import alone_in, file_hash, home
from audiomnist.runs.evaluation_folder import EvaluationFolder
from audiomnist.runs.record import Environment, File, Folder, Kind, Record
from audiomnist.runs.results import CrossValidation, EpochRecord, Result, Tested
from audiomnist.runs.robustness import Robustness
from audiomnist.runs.split_file import SplitFile, write_split

T = TypeVar("T", bound=Tested)
_AT_START = {"split.csv", "record.json", "config.yaml"}


@dataclass(frozen=True)
class RunFolder(Folder):
    """A training run or a cross validation: where its files are, and what they say."""

    split = File("split.csv")  # the part each clip belongs to
    model = File("model.safetensors")  # weights, and all that is needed to use them
    state = File("state.pt")  # what resuming needs
    history = File("history.jsonl")  # a line per epoch

    @classmethod
    def reserve(cls, verb: str, name: str, path: Path | None = None) -> RunFolder:
        """Make the folder of a new run: ``path``, or ``runs/<time>-<name>``.

        Raises DataError if ``path`` holds something already, other than what a run leaves that was stopped before it
        began.
        """
        if path is not None:
            if path.exists() and not (path.is_dir() and _is_unstarted(path)):
                raise DataError(
                    f"{path} is not empty",
                    f"name another folder, or resume it: {command(f'audiomnist {verb} --resume', path)}",
                )
            path.mkdir(parents=True, exist_ok=True)
            return cls(path)
        stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
        for attempt in count(1):
            new = home() / "runs" / (stem if attempt == 1 else f"{stem}-{attempt}")
            with suppress(FileExistsError):
                new.mkdir(parents=True)
                break
        return cls(new)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the run at ``path``: its folder, or a file in it.

        Raises DataError if there is none.
        """
        if path.is_file() and (path.parent / "config.yaml").is_file():
            path = path.parent
        if not (path / "config.yaml").is_file():
            begun = path.is_dir() and _is_unstarted(path) and any(path.iterdir())
            again = command(f"audiomnist {'kfold' if any(path.glob('fold-*')) else 'train'} --run", path)
            hint = (
                f"it was stopped before training began; start it again: {again}"
                if begun
                else "list the runs with: audiomnist runs"
            )
            raise DataError(f"there is no run at {path}", hint)
        return cls(path)

    @classmethod
    def newest(cls) -> RunFolder:
        """Return the finished training run that was started last."""
        folder = home() / "runs"
        runs = [run for path in folder.glob("*/metrics.json") if (run := cls(path.parent)).model.exists()]
        if not runs:
            raise DataError(f"there is no trained run in {folder}", "train one with: audiomnist train")
        return max(runs, key=lambda run: (run.started, run.path.name))

    def locked(self) -> AbstractContextManager[None]:
        """Keep the processes of other jobs from working in this run."""
        if distributed.rank():
            return nullcontext()
        return alone_in(self.path, f"another process is working in {self.path}", "wait until it has ended, or stop it")

    def begin(
        self,
        kind: Kind,
        config: Config,
        classes: Sequence[str],
        split: tuple[Corpus, Split, Sequence[bytes]] | None = None,
        *,
        folds: int | None = None,
        environment: Environment | None = None,
    ) -> None:
        """Write what a run is before it begins; the configuration comes last and makes it one.

        Parameters
        ----------
        classes : sequence of str
            What the network tells apart, in the order of its outputs.
        split : tuple, optional
            Of a training: the corpus, its split and the digests of its clips.
        folds : int, optional
            Of a cross validation: how many there are.
        environment : Environment, optional
            Where the run is computed.
        """
        if self.config.exists():
            raise DataError(f"{self.path} is not empty", "name another folder")
        record = Record(kind=kind, classes=tuple(classes), folds=folds, environment=environment)
        self.path.mkdir(exist_ok=True)
        record.save(self.record_file)
        if split is not None:
            with self.replacing(self.split) as (temporary,):
                write_split(temporary, *split)
        with self.replacing(self.config) as (temporary,):
            config.save(temporary)

    @property
    def started(self) -> datetime:
        """When the run began; for one whose record is damaged, when its configuration was written."""
        try:
            record = self.record
        except DataError:
            record = None
        return record.started if record else datetime.fromtimestamp(self.config.stat().st_mtime).astimezone()

    @property
    def folds(self) -> list[RunFolder]:
        """The runs inside, if this is a cross validation, by number."""
        found = [path.parent for path in self.path.glob("fold-*/config.yaml")]
        return [RunFolder(path) for path in sorted(found, key=lambda path: (len(path.name), path.name))]

    @property
    def kind(self) -> Kind:
        """``train``, or ``kfold`` if it has folds in place of a split."""
        record = self.record
        return record.kind if record else "train" if self.split.exists() else "kfold"

    @property
    def is_cross_validation(self) -> bool:
        """Whether this run has folds in place of a split."""
        return self.kind == "kfold"

    @property
    def is_finished(self) -> bool:
        """Whether there is a result."""
        return self.metrics.exists()

    @property
    def resume_command(self) -> str:
        """The command that goes on with this run, or with the cross validation that it is a fold of."""
        if self.path.name.startswith("fold-") and (self.path.parent / "config.yaml").is_file():
            return command("audiomnist kfold --resume", self.path.parent)
        return command(f"audiomnist {'kfold' if self.is_cross_validation else 'train'} --resume", self.path)

    def require_model(self) -> Path:
        """Return the model file; raise DataError if training has not come so far, or if it is another one's."""
        if self.is_cross_validation and self.folds:
            raise DataError(
                f"{self.path} is a cross validation", f"name one of its folds, such as {self.folds[0].path}"
            )
        if self.verified(self.model).exists():
            return self.model
        raise DataError(f"{self.path} has no model yet", f"resume its training: {self.resume_command}")

    def load_split(self) -> SplitFile:
        """Read which clip belongs to which part."""
        return SplitFile.read(self.verified(self.split))

    def load_history(self) -> list[EpochRecord]:
        """Read the epochs so far."""
        hint = "restore the file, or train again"
        if not self.verified(self.history).exists():
            return []
        lines = self.history.read_bytes().splitlines()
        epochs = [EpochRecord.parse(line, self.history, hint) for line in lines]
        if [epoch.epoch for epoch in epochs] != list(range(1, len(epochs) + 1)):
            raise DataError(f"{self.history}: an epoch is missing, or there twice", hint)
        return epochs

    def result(self) -> Result:
        """Read the result of a training."""
        return self._load(Result)

    def load_result(self) -> Result | CrossValidation:
        """Read the result of a training or a cross validation."""
        return self._load(CrossValidation) if self.is_cross_validation else self._load(Result)

    def evaluations(self) -> list[EvaluationFolder]:
        """Return the further evaluations of this run's network as it is now, by name."""
        found = [EvaluationFolder(path.parent) for path in sorted(self.path.glob("evaluations/*/metrics.json"))]
        weights = self.weights
        return [one for one in found if one.result().weights in {None, weights}]

    @property
    def weights(self) -> str | None:
        """SHA-256 of the model file, None if there is none."""
        return file_hash(self.model) if self.model.exists() else None

    def load_robustness(self) -> Robustness | None:
        """Return how the network does on distorted clips of its own test, if that was measured."""
        own = [one.robustness for one in self.evaluations() if one.result().own_test]
        hint = "remove it; it will be made again"
        found = [Robustness.load(file, hint) for file in (self.robustness, *own) if file.exists()]
        weights = self.weights or self.result().weights  # the model file may be gone
        return next((one for one in found if one.weights in {None, weights}), None)

    def _load(self, kind: type[T]) -> T:
        if not self.is_finished:
            raise DataError(f"{self.path} is not finished", f"resume it: {self.resume_command}")
        hint = f"restore the file, or remove it and test again: {self.resume_command}"
        return kind.load(self.verified(self.metrics), hint)


def _is_unstarted(path: Path) -> bool:
    """Whether a folder is empty, or holds only what a run writes before it begins."""
    names = {entry.name for entry in (*path.iterdir(), *path.glob("fold-*/*"))}
    at_start = all(name.startswith((".", "fold-")) or name in _AT_START for name in names)
    return at_start and not (path / "config.yaml").exists()
