"""What was tested and can be compared: a train run, a cross validation, or one of a run's further evaluations."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomnist.config import Config
from audiomnist.errors import DataError, UsageError
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.folder import RunFolder

_AREA_FILES = ("robustness.json", "evaluations/test/robustness.json")


@dataclass(frozen=True)
class Tested:
    """One thing that was tested.

    Attributes
    ----------
    name : str
        Short, and its own among those it is compared with.
    folder : RunFolder
        Where its predictions and metrics are.
    config : Config
        Of the run that was trained.
    metrics : dict
        As written; results of other versions of the program may lack keys.
    trained : tuple of RunFolder
        Of each network that was trained: one, or one per fold.
    """

    name: str
    folder: RunFolder
    config: Config
    metrics: dict[str, Any]
    predictions: Predictions
    trained: tuple[RunFolder, ...]

    def figures(self) -> dict[str, float | str | None]:
        """Return what it came to, None where its result does not say."""
        of_folds = [RunFolder(fold).load_metrics() for fold in self.folder.folds]
        some = of_folds[0] if of_folds else {}
        return {
            "accuracy": finite(self.metrics.get("accuracy")),
            "loss": finite(self.metrics.get("loss")),
            "n_test": self.metrics.get("n_test"),
            "n_train": self.metrics.get("n_train", some.get("n_train")),
            "n_parameters": self.metrics.get("n_parameters", some.get("n_parameters")),
            "train_seconds": _train_seconds(self.metrics, of_folds),
            **_worst_speaker(self.metrics),
            "calibration_error": finite(_calibration(self.metrics).get("ece")),
            "risk_coverage_area": finite(_calibration(self.metrics).get("aurc")),
            "robustness": self._robustness(),
        }

    def _robustness(self) -> float | None:
        """Return the mean accuracy under distortion, if it was measured."""
        for name in _AREA_FILES:
            try:
                return finite(json.loads((self.folder.path / name).read_text(encoding="utf-8"))["area"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return None


def open_tested(paths: Sequence[Path]) -> list[Tested]:
    """Read what was tested at each path: a run's folder, or that of one of its evaluations, or a file in one.

    Raises
    ------
    UsageError
        If a folder is named twice.
    DataError
        If there is nothing at a path, or no result yet.
    """
    folders = [_folder(path) for path in paths]
    resolved = [folder.path.resolve() for folder in folders]
    for number, path in enumerate(resolved):
        if path in resolved[:number]:
            raise UsageError(f"{paths[number]} is named twice", "name two runs that differ")
    return [_read(name, folder) for name, folder in zip(_names(resolved), folders, strict=True)]


def differing_settings(tested: Sequence[Tested]) -> dict[str, list[Any]]:
    """Return the settings that are not the same in all: by dotted key, the value in each."""
    tables = [dict(_dotted(one.config.model_dump(mode="json"))) for one in tested]
    values = {key: [table[key] for table in tables] for key in tables[0]}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def cautions(tested: Sequence[Tested]) -> list[str]:
    """Return why figures side by side may differ for other reasons than the networks."""
    reasons = {
        "data": "tested on different corpora",
        "split": "tested under different schemes, so with voices more or less known to the network",
    }
    found = []
    for key, reason in reasons.items():
        values = [str(one.metrics.get(key)) for one in tested]
        if len(set(values)) > 1:
            each = ", ".join(f"{one.name} {value}" for one, value in zip(tested, values, strict=True))
            found.append(f"{reason}: {each}")
    prints = {str(one.metrics["corpus_fingerprint"]) for one in tested if "corpus_fingerprint" in one.metrics}
    if not found and len(prints) > 1 and not differing_settings(tested).keys() & {"extra_data", "exclude_file"}:
        found.append("the corpus was changed, copied or relabelled between the runs")
    return found


def finite(value: Any) -> float | None:
    """Return a number, or None in place of what is no finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _folder(path: Path) -> RunFolder:
    if path.is_file():
        path = path.parent
    if path.is_dir() and _trained_run(RunFolder(path)) is not None:
        return RunFolder(path)
    raise DataError(f"there is no run at {path}", "see which there are: audiomnist runs")


def _trained_run(folder: RunFolder) -> RunFolder | None:
    """Return the run that holds the configuration: this one, or the one that this is an evaluation of."""
    if folder.config.is_file():
        return folder
    if not (folder.metrics.is_file() and folder.predictions.is_file()):
        return None
    places = [folder.path.resolve().parents[1], Path(str(folder.load_metrics().get("run", "")))]
    return next((RunFolder(place) for place in places if (place / "config.yaml").is_file()), None)


def _read(name: str, folder: RunFolder) -> Tested:
    run = _trained_run(folder) or folder
    if not folder.metrics.is_file():
        raise DataError(f"{folder.path} has no result yet", f"finish it: {folder.resume_command}")
    try:
        predictions = Predictions.load(folder.predictions)
        if not len(predictions):
            raise ValueError("no clips")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder.predictions}: no predictions ({type(error).__name__}: {error})",
            "restore the file, or run it anew",
        ) from error
    trained = [RunFolder(fold) for fold in run.folds] or [run]
    return Tested(name, folder, run.load_config(), folder.load_metrics(), predictions, tuple(trained))


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the last part of each path, or as many of the last parts as tell all of them apart."""
    depths = range(1, max(len(path.parts) for path in paths) + 1)
    several = (["/".join(path.parts[-depth:]) for path in paths] for depth in depths)
    return next(names for names in several if len(set(names)) == len(names))


def _dotted(settings: dict[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{group}{key}.")
        else:
            yield f"{group}{key}", value


def _train_seconds(metrics: dict[str, Any], of_folds: list[dict[str, Any]]) -> float | None:
    if "train_seconds" in metrics:
        return finite(metrics["train_seconds"])
    if of_folds and all("train_seconds" in fold for fold in of_folds):
        return float(sum(fold["train_seconds"] for fold in of_folds))
    return None


def _worst_speaker(metrics: dict[str, Any]) -> dict[str, float | str | None]:
    worst = metrics.get("worst_speaker")
    if worst is None and metrics.get("per_speaker"):
        speaker, figures = min(metrics["per_speaker"].items(), key=lambda item: item[1]["accuracy"])
        worst = {"speaker": speaker, **figures}
    worst = worst or {}
    return {"worst_speaker": worst.get("speaker"), "worst_speaker_accuracy": finite(worst.get("accuracy"))}


def _calibration(metrics: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = metrics.get("calibration") or {}
    return found
