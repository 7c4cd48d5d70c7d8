"""Testing a trained network: on its own test clips, or on clips of another corpus."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue

from audiomnist import distributed
from audiomnist.config import from_settings
from audiomnist.corpus.places import lasting, locate, short_name
from audiomnist.corpus.splits import split as new_split
from audiomnist.corpus.targets import labels
from audiomnist.device import select_device
from audiomnist.errors import DataError, UsageError
from audiomnist.evaluation.leaks import check, count_trained_on
from audiomnist.evaluation.robustness.sweep import sweep
from audiomnist.experiments.inputs import Inputs, labelled, open_corpus, open_inputs, open_store
from audiomnist.experiments.progress import Progress
from audiomnist.experiments.testing import describe, write_result
from audiomnist.files import by_turns, file_hash, home
from audiomnist.inference.opening import means_shipped, weights_file
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import robustness_figure
from audiomnist.runs.evaluation_folder import EvaluationFolder, identity
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.record import Record
from audiomnist.runs.results import NetworkProvenance, Result
from audiomnist.runs.robustness import Robustness


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation.

    Attributes
    ----------
    folder : EvaluationFolder
        Where it is written.
    robustness : Robustness or None
        None if it was not asked for.
    """

    result: Result
    folder: EvaluationFolder
    robustness: Robustness | None

    def plain(self) -> dict[str, JsonValue]:
        """Return the result as JSON has it, with robustness if that was asked for."""
        return self.result.plain() | ({"robustness": self.robustness.plain()} if self.robustness else {})


@dataclass(frozen=True)
class _OpenModel:
    """A model to test, and its run if it is in one."""

    recognizer: TorchRecognizer
    file: Path
    run: RunFolder | None
    epochs: int

    @property
    def name(self) -> str:
        return str(self.run.path if self.run else self.file)


@dataclass(frozen=True)
class _Clips:
    """The clips to test, by their indices."""

    inputs: Inputs
    chosen: NDArray[np.int64]
    held_out: tuple[str, ...] = ()


def evaluate(
    model: str | Path | None = None,
    data: str | None = None,
    *,
    split: str | None = None,
    exclude_file: Path | None = None,
    out: Path | None = None,
    robustness: bool = False,
    strict: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
) -> Evaluation:
    """Test a trained recogniser on its own test clips, or on clips of another corpus.

    Of several processes all return the result; the first alone writes.

    Raises AudiomnistError for whatever is wrong with model or corpus.

    Parameters
    ----------
    model : str or Path, optional
        A run folder or a model file; the newest finished run by default.
    data : str, optional
        Another corpus; the run's own test clips by default.
    split : str, optional
        Only the test part of ``data`` under this scheme.
    exclude_file : Path, optional
        Clips of ``data`` to leave out.
    out : Path, optional
        Folder for the result, one in ``evaluations`` of the run by default.
    robustness : bool
        Whether to test on distorted clips as well.
    strict : bool
        Whether a clip that cannot be used is an error. Otherwise it is left out.
    """
    progress = progress or Progress()
    if data is None and (exclude_file is not None or split is not None):
        named = "--exclude-file" if exclude_file is not None else "--split"
        raise UsageError(f"{named} is for clips of another corpus", "name that corpus with --data")
    opened = _open(model, select_device(device), progress)
    recognizer, config = opened.recognizer, opened.recognizer.model.config
    clips = (
        _own_clips(opened, progress, strict=strict)
        if data is None
        else _clips_of(data, split, exclude_file, opened, progress, strict=strict)
    )
    inputs, chosen = clips.inputs, clips.chosen
    progress.say(f"model: {opened.name} on {recognizer.device}, {len(chosen):,} clips to test")
    started = time.perf_counter()
    logits = recognizer.store_logits(inputs.store, chosen)
    weights = file_hash(opened.file)
    described = describe(config, inputs, opened.name, recognizer.device, opened.epochs)
    provenance = NetworkProvenance(
        **dict(described), weights=weights, own_test=data is None, held_out=clips.held_out or None
    )
    if data is not None:
        other = {"data": lasting(data), "split": split or "all"}
        n_trained_on = _n_trained_on(opened, clips, progress)
        provenance = provenance.model_copy(update={**other, "n_trained_on": n_trained_on})
    scheme = ("own test",) if data is None else (split or "all", config.seed)
    record = _record(opened, clips, weights, *scheme)
    name = "test" if data is None else "-".join([short_name(data), *([split] if split else [])])
    parent = (opened.run.path if opened.run else home()) / "evaluations"

    def written() -> tuple[Result, EvaluationFolder]:
        with EvaluationFolder.written(parent, name, record, out) as folder:
            with folder.replacing(folder.config) as (file,):
                config.save(file)
            return write_result(recognizer, inputs, chosen, logits, provenance, folder, started), folder

    result, folder = distributed.by_first(written)
    swept = distributed.by_first(lambda: _sweep(opened, clips, folder, weights, progress)) if robustness else None
    return Evaluation(result, folder, swept)


def _record(opened: _OpenModel, clips: _Clips, *facts: object) -> Record:
    """Describe an evaluation by further facts and by its clips with their sound: a touched copy is the same test."""
    corpus, digests, known = clips.inputs.corpus, clips.inputs.store.digests, clips.inputs.labels
    sounds = [(corpus.paths[clip], digests[clip].hex()) for clip in clips.chosen.tolist()]
    of_clips, speakers = known.of_clips[clips.chosen].tolist(), corpus.speakers[clips.chosen].tolist()
    name = identity((*facts, sounds, of_clips, speakers))
    return Record(kind="evaluation", classes=known.classes, identity=name, run=opened.name)


def _sweep(opened: _OpenModel, clips: _Clips, folder: EvaluationFolder, weights: str, progress: Progress) -> Robustness:
    """Test on distorted clips, and write what comes of it."""
    with progress.counting("robustness", "conditions") as show, distributed.alone():
        found = sweep(opened.recognizer, clips.inputs.corpus, clips.chosen, weights=weights, progress=show)
    with by_turns(folder.path):
        save_figure(robustness_figure(found), folder.figures / "robustness.png")
        with folder.replacing(folder.robustness) as (file,):
            found.save(file)
    return found


def _open(model: str | Path | None, device: torch.device, progress: Progress) -> _OpenModel:
    if model is not None and (means_shipped(model) or not _is_in_run(Path(model))):
        file = weights_file(model)
        recognizer = TorchRecognizer.load(file, device)
        return _OpenModel(recognizer, file, None, recognizer.model.epochs or recognizer.model.config.optim.epochs)
    run = distributed.by_first(lambda: RunFolder.newest() if model is None else RunFolder.open(Path(model)))
    file = run.require_model()
    recognizer = TorchRecognizer.load(file, device)
    planned = recognizer.model.config.optim.epochs
    epochs = recognizer.model.epochs or len(run.load_history()) or planned
    if epochs < planned or not run.is_finished:
        progress.say(f"warning: {run.path} is not finished, {epochs} of {planned} epochs; resume: {run.resume_command}")
    return _OpenModel(recognizer, file, run, epochs)


def _is_in_run(path: Path) -> bool:
    return path.is_dir() or (path.is_file() and (path.parent / "config.yaml").is_file())


def _own_clips(opened: _OpenModel, progress: Progress, *, strict: bool) -> _Clips:
    run, config = opened.run, opened.recognizer.model.config
    if run is None:
        raise UsageError(f"{opened.file} has no test clips of its own", "name a corpus with --data")
    inputs = open_inputs(config, progress, opened.recognizer.model.classes, strict=strict)
    split = run.load_split().unchanged(inputs.corpus, inputs.store.digests)
    check(config, inputs.corpus, inputs.store, split)
    return _Clips(inputs, split.test, split.held_out)


def _clips_of(
    place: str, scheme: str | None, exclude_file: Path | None, opened: _OpenModel, progress: Progress, *, strict: bool
) -> _Clips:
    """Return another corpus, and its test part under a scheme, or all of it."""
    model = opened.recognizer.model
    config = model.config
    everything = open_corpus(place, progress, exclude_file)
    known = labelled(everything, config.target, model.classes, progress)
    corpus, store = open_store(known, config.features, place, progress, strict=strict)
    inputs = Inputs(corpus, store, labels(corpus, config.target, model.classes), len(everything) - len(corpus))
    if scheme is None:
        return _Clips(inputs, np.arange(len(corpus)))
    settings = from_settings({"split": {"scheme": scheme}}, "--split").split
    return _Clips(inputs, new_split(corpus, settings, config.seed, inputs.labels.of_clips).test)


def _n_trained_on(opened: _OpenModel, clips: _Clips, progress: Progress) -> int | None:
    """Return how many of the tested clips the network was trained on, and say so if there are any; None: not known."""
    found = None
    if opened.run is not None:
        try:
            place = locate(opened.recognizer.model.config.data)
            root = place if place.is_dir() else place.parent
        except DataError:
            root = None
        found = count_trained_on(opened.run.load_split(), root, clips.inputs.corpus, clips.inputs.store, clips.chosen)
    if found is None:
        progress.say("warning: it is not known whether the model was trained on these clips")
    elif found:
        progress.say(
            f"warning: {found:,} of these {len(clips.chosen):,} clips were trained on, so this result is too "
            "good; without --data the run is tested on its own test clips"
        )
    return found
