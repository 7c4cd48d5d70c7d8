"""The folder that holds all of one training run."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from audiomnist.config import Config, load
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.errors import DataError, command
from audiomnist.files import atomic_path, home, write_text

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class RunFolder:
    """Where a run's files are."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def split(self) -> Path:
        """The part each clip belongs to."""
        return self.path / "split.csv"

    @property
    def model(self) -> Path:
        """Weights, and all that is needed to use them."""
        return self.path / "model.safetensors"

    @property
    def state(self) -> Path:
        """What resuming needs."""
        return self.path / "state.pt"

    @property
    def history(self) -> Path:
        """A line per epoch."""
        return self.path / "history.jsonl"

    @property
    def predictions(self) -> Path:
        """A line per test clip."""
        return self.path / "predictions.csv"

    @property
    def metrics(self) -> Path:
        """The result."""
        return self.path / "metrics.json"

    @property
    def robustness(self) -> Path:
        """Accuracy under distortions."""
        return self.path / "robustness.json"

    @property
    def figures(self) -> Path:
        """Pictures."""
        return self.path / "figures"

    @classmethod
    def create(cls, verb: str, name: str, path: Path | None = None) -> RunFolder:
        """Make an empty run folder for a verb: ``path``, or ``runs/<time>-<name>``.

        Raises
        ------
        DataError
            If ``path`` holds something already.
        """
        if path is not None:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise DataError(
                    f"{path} is not empty",
                    f"name another folder, or go on with it: {command(f'audiomnist {verb} --resume', path)}",
                )
            path.mkdir(parents=True, exist_ok=True)
            return cls(path)
        stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
        for attempt in range(1, 1000):
            path = home() / "runs" / (stem if attempt == 1 else f"{stem}-{attempt}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            return cls(path)
        raise DataError(f"{home() / 'runs'} holds a thousand runs named {stem}", "name one with --run DIR")

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the run at ``path``: its folder, or a file in it.

        Raises
        ------
        DataError
            If there is none.
        """
        if path.is_file() and (path.parent / "config.yaml").is_file():
            path = path.parent
        if not (path / "config.yaml").is_file():
            raise DataError(f"there is no run at {path}", "train one: audiomnist train")
        return cls(path)

    @property
    def folds(self) -> list[Path]:
        """The runs inside, if this is a cross validation."""
        return sorted(path.parent for path in self.path.glob("fold-*/config.yaml"))

    @property
    def is_cross_validation(self) -> bool:
        """Whether this run has folds in place of a split."""
        return not self.split.exists()

    @property
    def resume_command(self) -> str:
        """The command that goes on with this run, or with the cross validation that it is a fold of."""
        if self.path.name.startswith("fold-") and (self.path.parent / "config.yaml").is_file():
            return command("audiomnist kfold --resume", self.path.parent)
        return command(f"audiomnist {'kfold' if self.is_cross_validation else 'train'} --resume", self.path)

    @classmethod
    def newest(cls) -> RunFolder:
        """Return the trained run that was started last."""
        folder = home() / "runs"
        runs = [path.parent for path in folder.glob("*/model.safetensors") if (path.parent / "config.yaml").exists()]
        if not runs:
            raise DataError(f"there is no trained run in {folder}", "train one: audiomnist train")
        return cls(max(runs, key=lambda run: ((run / "config.yaml").stat().st_mtime_ns, run.name)))

    def require_model(self) -> Path:
        """Return the model file; raise DataError if training has not come so far."""
        if self.model.exists():
            return self.model
        if self.folds:
            raise DataError(f"{self.path} is a cross validation", f"name one of its folds, such as {self.folds[0]}")
        raise DataError(
            f"{self.path} has no model yet",
            f"go on with its training: {self.resume_command}",
        )

    def load_config(self) -> Config:
        """Read the resolved configuration."""
        return load(self.config)

    def save_split(self, corpus: Corpus, split: Split) -> None:
        """Write which clip belongs to which part."""
        with atomic_path(self.split) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("path", "part", "voice"))
            for part in PARTS:
                for clip in getattr(split, part).tolist():
                    voice = "unseen" if corpus.speakers[clip] in split.held_out else "known"
                    writer.writerow((corpus.paths[clip], part, voice))

    def load_split(self, corpus: Corpus) -> Split:
        """Find the clips of each part again.

        The split is read, not drawn again: in a corpus that has changed since, a new draw could test on clips that were
        trained on.

        Raises
        ------
        DataError
            If the run has no split, or the corpus no longer holds a clip of it.
        """
        numbers = {path: clip for clip, path in enumerate(corpus.paths)}
        clips: dict[str, list[int]] = {part: [] for part in PARTS}
        held_out: set[str] = set()
        try:
            with self.split.open(newline="", encoding="utf-8") as file:
                rows = [(row["path"], row["part"], row["voice"]) for row in csv.DictReader(file)]
            if not {"train", "test"} <= {part for _, part, _ in rows} <= set(PARTS):
                raise ValueError("no training and test clips")
        except (OSError, KeyError, ValueError, csv.Error) as error:
            raise DataError(
                f"{self.split}: not the split of a run ({error})", "restore the file, or train anew"
            ) from error
        missing = [path for path, _, _ in rows if path not in numbers]
        if missing:
            raise DataError(
                f"{corpus.root} lacks {len(missing)} clips of this run, such as {missing[0]}",
                "restore the corpus, or test on another with --data",
            )
        for path, part, voice in rows:
            clips[part].append(numbers[path])
            if voice == "unseen":
                held_out.add(str(corpus.speakers[numbers[path]]))
        train, validation, test = (np.array(clips[part], dtype=np.int64) for part in PARTS)
        return Split(train, validation, test, tuple(sorted(held_out)))

    def trained_files(self, root: Path) -> set[Path]:
        """Return the files that were trained on or chosen by, given the folder of the corpus."""
        with self.split.open(newline="", encoding="utf-8") as file:
            return {root / row["path"] for row in csv.DictReader(file) if row["part"] != "test"}

    def load_metrics(self) -> dict[str, Any]:
        """Read the result."""
        try:
            metrics: dict[str, Any] = json.loads(self.metrics.read_text(encoding="utf-8"))
            if not isinstance(metrics, dict):
                raise ValueError("not a JSON object")
        except (OSError, ValueError) as error:
            raise DataError(f"{self.metrics}: no result ({error})", f"remove {self.path} and resume") from error
        return metrics

    def load_history(self) -> list[dict[str, Any]]:
        """Read the epochs so far."""
        if not self.history.exists():
            return []
        try:
            return [json.loads(line) for line in self.history.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.history}: not a run's history ({error})", "restore the file, or train anew"
            ) from error

    def save_history(self, epochs: list[dict[str, Any]]) -> None:
        """Write the epochs so far."""
        write_text(self.history, "".join(f"{json.dumps(epoch)}\n" for epoch in epochs))
