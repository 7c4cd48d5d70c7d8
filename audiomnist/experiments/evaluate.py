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
from audiomnist.corpus.places import locate
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import split as draw_split
from audiomnist.corpus.targets import labels
from audiomnist.device import select_device
from audiomnist.errors import DataError, UsageError
from audiomnist.evaluation.leaks import check, count_trained_on
from audiomnist.evaluation.robustness import sweep
from audiomnist.experiments.inputs import labelled, lasting_place, open_corpus, open_inputs, open_store, place_name
from audiomnist.experiments.progress import Progress
from audiomnist.experiments.testing import describe, write_result
from audiomnist.features.store import FeatureStore
from audiomnist.files import by_turns, home
from audiomnist.inference.opening import weights_file
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import robustness_figure
from audiomnist.runs.evaluation_folder import EvaluationFolder, identity
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.record import Record, file_hash
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
class _Tested:
    """What is tested: a network, and its run if it is in one."""

    recognizer: TorchRecognizer
    file: Path
    run: RunFolder | None
    epochs: int

    @property
    def name(self) -> str:
        return str(self.run.path if self.run else self.file)


@dataclass(frozen=True)
class _Clips:
    """The clips to test, indices into a corpus whose features the store has."""

    corpus: Corpus
    store: FeatureStore
    chosen: NDArray[np.int64]
    n_left_out: int
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

    Raises
    ------
    AudiomnistError
        Whatever is wrong with model or corpus.
    """
    progress = progress or Progress()
    if data is None and (exclude_file is not None or split is not None):
        named = "--exclude-file" if exclude_file is not None else "--split"
        raise UsageError(f"{named} chooses clips of another corpus", "name it with --data")
    tested = _open(model, select_device(device), progress)
    recognizer, config = tested.recognizer, tested.recognizer.model.config
    clips = (
        _own_clips(tested, progress, strict=strict)
        if data is None
        else _clips_of(data, split, exclude_file, tested, progress, strict=strict)
    )
    corpus, chosen = clips.corpus, clips.chosen
    progress.say(f"model: {tested.name} on {recognizer.device}, {len(chosen):,} clips to test")
    started = time.perf_counter()
    logits = recognizer.store_logits(clips.store, chosen)
    weights = file_hash(tested.file)
    described = describe(config, corpus, tested.name, recognizer.device, tested.epochs, clips.n_left_out)
    provenance = NetworkProvenance(
        **dict(described), weights=weights, own_test=data is None, held_out=clips.held_out or None
    )
    if data is not None:
        other = {"data": lasting_place(data), "split": split or "all"}
        n_trained_on = _n_trained_on(tested, clips, progress)
        provenance = provenance.model_copy(update={**other, "n_trained_on": n_trained_on})
    scheme = ("own test",) if data is None else (split or "all", config.seed)
    record = _record(tested, clips, weights, *scheme)
    name = "test" if data is None else "-".join([place_name(data), *([split] if split else [])])
    parent = (tested.run.path if tested.run else home()) / "evaluations"

    def written() -> tuple[Result, EvaluationFolder]:
        with EvaluationFolder.written(parent, name, record, out) as folder:
            with folder.replacing(folder.config) as (file,):
                config.save(file)
            return write_result(recognizer, clips.store, corpus, chosen, logits, provenance, folder, started), folder

    result, folder = distributed.by_first(written)
    swept = distributed.by_first(lambda: _sweep(tested, clips, folder, weights, progress)) if robustness else None
    return Evaluation(result, folder, swept)


def _record(tested: _Tested, clips: _Clips, *facts: object) -> Record:
    """Describe an evaluation by further facts and by its clips with their sound: a touched copy is the same test."""
    corpus, model = clips.corpus, tested.recognizer.model
    sounds = [(corpus.paths[clip], clips.store.digests[clip].hex()) for clip in clips.chosen.tolist()]
    known = labels(corpus, model.config.target, model.classes).of_clips[clips.chosen].tolist()
    name = identity((*facts, sounds, known, corpus.speakers[clips.chosen].tolist()))
    return Record(kind="evaluation", classes=model.classes, identity=name, run=tested.name)


def _sweep(tested: _Tested, clips: _Clips, folder: EvaluationFolder, weights: str, progress: Progress) -> Robustness:
    """Test on distorted clips, and write what comes of it."""
    with progress.counting("robustness", "conditions") as show, distributed.alone():
        found = sweep(tested.recognizer, clips.corpus, clips.chosen, weights=weights, progress=show)
    with by_turns(folder.path):
        save_figure(robustness_figure(found), folder.figures / "robustness.png")
        with folder.replacing(folder.robustness) as (file,):
            found.save(file)
    return found


def _open(model: str | Path | None, device: torch.device, progress: Progress) -> _Tested:
    if model is not None and not _is_in_run(Path(model)):
        file = weights_file(model)
        recognizer = TorchRecognizer.load(file, device)
        return _Tested(recognizer, file, None, recognizer.model.epochs or recognizer.model.config.optim.epochs)
    run = distributed.by_first(lambda: RunFolder.newest() if model is None else RunFolder.open(Path(model)))
    file = run.require_model()
    recognizer = TorchRecognizer.load(file, device)
    planned = recognizer.model.config.optim.epochs
    epochs = recognizer.model.epochs or len(run.load_history()) or planned
    if epochs < planned or not run.is_finished:
        progress.say(f"warning: {run.path} is not finished, {epochs} of {planned} epochs; resume: {run.resume_command}")
    return _Tested(recognizer, file, run, epochs)


def _is_in_run(path: Path) -> bool:
    return path.is_dir() or (path.is_file() and (path.parent / "config.yaml").is_file())


def _own_clips(tested: _Tested, progress: Progress, *, strict: bool) -> _Clips:
    run, config = tested.run, tested.recognizer.model.config
    if run is None:
        raise UsageError(f"{tested.file} has no test clips of its own", "name a corpus with --data")
    inputs = open_inputs(config, progress, tested.recognizer.model.classes, strict=strict)
    split = run.load_split().unchanged(inputs.corpus, inputs.store.digests)
    check(config, inputs.corpus, inputs.store, split)
    return _Clips(inputs.corpus, inputs.store, split.test, inputs.n_left_out, split.held_out)


def _clips_of(
    place: str, scheme: str | None, exclude_file: Path | None, tested: _Tested, progress: Progress, *, strict: bool
) -> _Clips:
    """Return another corpus, and its test part under a scheme, or all of it."""
    model = tested.recognizer.model
    config = model.config
    everything = open_corpus(place, progress, exclude_file=exclude_file)
    known, n_left_out = labelled(everything, config.target, model.classes, progress)
    corpus, store = open_store(known, config.features, place, progress, strict=strict)
    chosen = np.arange(len(corpus))
    if scheme is not None:
        settings = from_settings({"split": {"scheme": scheme}}, "--split").split
        of_clips = labels(corpus, config.target, model.classes).of_clips
        chosen = draw_split(corpus, settings, config.seed, of_clips).test
    return _Clips(corpus, store, chosen, n_left_out + len(store.left_out))


def _n_trained_on(tested: _Tested, clips: _Clips, progress: Progress) -> int | None:
    """Return how many of the tested clips the network was trained on, and say so if there are any; None: not known."""
    found = None
    if tested.run is not None:
        try:
            place = locate(tested.recognizer.model.config.data)
            root = place if place.is_dir() else place.parent
        except DataError:
            root = None
        found = count_trained_on(tested.run.load_split(), root, clips.corpus, clips.store, clips.chosen)
    if found is None:
        progress.say("warning: whether these clips were trained on could not be checked")
    elif found:
        progress.say(
            f"warning: {found:,} of these {len(clips.chosen):,} clips were trained on, so this result is too "
            "good; without --data the run is tested on its own test clips"
        )
    return found
