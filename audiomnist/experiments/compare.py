"""Runs and evaluations side by side, and whether they really differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomnist.config import Config
from audiomnist.errors import DataError, UsageError
from audiomnist.evaluation.comparison import against_first
from audiomnist.evaluation.predictions import Predictions
from audiomnist.files import home
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import curves_figure
from audiomnist.runs.comparison import ComparedRun, Comparison
from audiomnist.runs.evaluation_folder import EvaluationFolder
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import Tested

_LONGEST_NAME = 120


@dataclass(frozen=True)
class _Compared:
    """A run or an evaluation, by its own name among those it is compared with.

    Attributes
    ----------
    networks : tuple of RunFolder
        The networks that were trained: one, or one per fold; none for an evaluation.
    learned : tuple of RunFolder
        Those whose learning curves are shown: the same, or the run whose network was evaluated.
    """

    name: str
    folder: RunFolder | EvaluationFolder
    config: Config
    result: Tested
    predictions: Predictions
    networks: tuple[RunFolder, ...]
    learned: tuple[RunFolder, ...]

    @property
    def summary(self) -> ComparedRun:
        """The main numbers."""
        result, networks = self.result, [network.result() for network in self.networks]
        swept = self.folder.load_robustness() if len(networks) < 2 else None
        seconds = [network.train_seconds for network in networks]
        return ComparedRun(
            name=self.name,
            path=str(self.folder.path),
            accuracy=result.accuracy,
            loss=result.loss,
            n_test=result.n_test,
            n_train=networks[0].n_train if networks else None,
            n_parameters=networks[0].n_parameters if networks else None,
            train_seconds=sum(known) if (known := [one for one in seconds if one is not None]) else None,
            worst_speaker=result.worst_speaker.speaker,
            worst_speaker_accuracy=result.worst_speaker.accuracy,
            calibration_error=result.calibration.ece,
            risk_coverage_area=result.calibration.aurc,
            robustness=swept.area if swept else None,
        )


def compare(runs: Sequence[Path], out: Path | None = None) -> Comparison:
    """Compare runs: settings, numbers, learning curves, and whether one is really better than the first.

    Parameters
    ----------
    runs : sequence of Path
        Training runs, cross validations, or evaluations in ``RUN/evaluations``.
    out : Path, optional
        Folder for the result, ``comparisons/<names>`` by default.

    Raises
    ------
    UsageError
        If there are fewer than two, or one is named twice.
    DataError
        If there is nothing at a path, or no result yet.
    """
    if len(runs) < 2:
        raise UsageError("compare needs at least two runs", "name two or more; list them with: audiomnist runs")
    paths = [path.parent if path.is_file() else path for path in runs]
    resolved = [path.resolve() for path in paths]
    for number, path in enumerate(resolved):
        if path in resolved[:number]:
            raise UsageError(f"{runs[number]} is named twice", "name two different runs")
    compared = [_read(name, path) for name, path in zip(_names(resolved), paths, strict=True)]
    folder = out or home() / "comparisons" / _folder_name([one.name for one in compared])
    settings = _differing_settings(compared)
    comparison = Comparison(
        runs=tuple(one.summary for one in compared),
        settings=settings,
        differences=tuple(against_first({one.name: one.predictions for one in compared})),
        cautions=tuple(_cautions(compared, settings)),
        out=str(folder),
    )
    save_figure(
        curves_figure({one.name: [run.load_history() for run in one.learned] for one in compared}),
        folder / "curves.png",
    )
    comparison.save(folder / "compare.json")
    return comparison


def _read(name: str, path: Path) -> _Compared:
    evaluation = EvaluationFolder(path)
    record = evaluation.record if path.is_dir() else None
    if record.kind != "evaluation" if record else (path / "config.yaml").is_file():
        run = RunFolder.open(path)
        networks = tuple(run.folds if run.is_cross_validation else ()) or (run,)
        tested = run.load_result()
        return _Compared(name, run, run.load_config(), tested, Predictions.of_result(run, tested), networks, networks)
    if not evaluation.metrics.is_file():
        raise DataError(f"there is no run at {path}", "list the runs with: audiomnist runs")
    result = evaluation.result()
    place = evaluation.trained_run(result)
    trained = [RunFolder(place)] if place else []
    if not trained and not evaluation.config.exists():
        raise DataError(f"{path}: the run that was tested is gone", "name another run")
    config = (evaluation if evaluation.config.exists() else trained[0]).load_config()
    return _Compared(name, evaluation, config, result, Predictions.of_result(evaluation, result), (), tuple(trained))


def _differing_settings(compared: Sequence[_Compared]) -> dict[str, tuple[Any, ...]]:
    """Return the settings that are not the same in all: by dotted key, the value in each."""
    tables = [dict(_dotted(one.config.model_dump(mode="json"))) for one in compared]
    values = {key: tuple(table[key] for table in tables) for key in tables[0]}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def _cautions(compared: Sequence[_Compared], settings: dict[str, tuple[Any, ...]]) -> Iterator[str]:
    """Yield why numbers side by side may differ for other reasons than the networks."""

    def each(values: Sequence[str]) -> str:
        return ", ".join(f"{one.name} {value}" for one, value in zip(compared, values, strict=True))

    places, schemes = [one.result.data for one in compared], [one.result.split for one in compared]
    if len(set(places)) > 1:
        yield f"tested on different corpora: {each(places)}"
    if len(set(schemes)) > 1:
        yield f"the split schemes differ, and so may whether the tested speakers were trained on: {each(schemes)}"
    fingerprints = {one.result.corpus_fingerprint for one in compared} - {None}
    versions = {str(fingerprint).rpartition("-")[0] for fingerprint in fingerprints}  # others cannot be compared
    same_place = len(set(places)) == len(set(schemes)) == 1
    if (
        same_place
        and len(fingerprints) > 1
        and len(versions) == 1
        and not settings.keys() & {"extra_data", "exclude_file"}
    ):
        yield "the corpus was changed, copied or relabelled between the runs"
    for one in compared:
        if not one.result.is_finished:
            yield f"{one.name} is not finished: {one.result.epochs} of {one.result.epochs_planned} epochs"


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the last part of each path, or as many of the last parts as make all of them differ."""
    depths = range(1, max(len(path.parts) for path in paths) + 1)
    several = (["/".join(path.parts[-depth:]) for path in paths] for depth in depths)
    return next(names for names in several if len(set(names)) == len(names))


def _folder_name(names: Sequence[str]) -> str:
    """Return the names as the name of a folder, cut with a hash of the whole if it is too long for one."""
    joined = "-vs-".join(names).replace("/", "-")
    if len(joined.encode()) <= _LONGEST_NAME:
        return joined
    start = joined.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{start}-{hashlib.sha256(joined.encode()).hexdigest()[:8]}"


def _dotted(settings: dict[str, object], group: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{group}{key}.")
        else:
            yield f"{group}{key}", value
