"""Training: from a configuration to a tested network in a run folder."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from audiomnist import distributed, stopping
from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.corpus.splits import split as draw_split
from audiomnist.corpus.targets import Labels, labels
from audiomnist.device import seed_everything, select_device
from audiomnist.errors import DataError, Notice, UsageError, command
from audiomnist.evaluation.calibration import fit_temperature
from audiomnist.evaluation.leaks import check
from audiomnist.experiments.inputs import open_inputs, warn_of_cuts, with_lasting_places
from audiomnist.experiments.progress import Progress
from audiomnist.experiments.testing import describe, write_result
from audiomnist.features.store import FeatureStore
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.figures import loss_figure, save_figure
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import EpochRecord, Result, TrainedCorpus
from audiomnist.training import no_digit
from audiomnist.training.checkpoint import before, load_model, save_model
from audiomnist.training.checkpoint import resume as resume_state
from audiomnist.training.dataset import with_window
from audiomnist.training.listeners import Checkpoint, TensorBoard
from audiomnist.training.loss import class_counts, missing_classes
from audiomnist.training.no_digit import split_logits
from audiomnist.training.trainer import Listener, Trainer


def train(
    config: Config | None = None,
    *,
    run: Path | None = None,
    resume: Path | None = None,
    strict: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Train a recogniser on one part of a corpus and test it on the rest, or go on with a stopped run.

    Of several processes all return the result; the first alone writes.

    Parameters
    ----------
    config : Config, optional
        What to do; that of the run if one is resumed.
    run : Path, optional
        New folder for the run, ``runs/<time>-<version>`` by default.
    resume : Path, optional
        A stopped run.

    strict : bool
        Whether a clip that cannot be used is an error. Otherwise it is left out.

    Raises
    ------
    AudiomnistError
        Whatever is wrong with settings, corpus or run; Interrupted if it was stopped, with what was reached saved.
    """
    progress = progress or Progress()
    folder = run_to_resume(resume, "train") if resume else None
    if folder is not None:
        config = folder.load_config()
    if config is None:
        raise UsageError("neither a configuration nor a run to resume was given", "give one of them")
    chosen_device = select_device(device)
    seed_everything(config.seed)
    classes = run_classes(folder) if folder else None
    inputs = open_inputs(config, classes, progress, strict=strict)
    own, corpus, store = inputs.own, inputs.corpus, inputs.store
    if folder is not None:
        split_file = folder.load_split()
        split = split_file.split(corpus)
        split_file.require_unchanged(corpus, store.digests)
    else:
        split = draw_split(own, config.split, config.seed, labels(own, config.target).of_clips)
        split = split.with_extra(len(own), len(corpus))
    check(config, corpus, store, split)
    classes = classes or labels(own, config.target).classes
    if folder is None:
        warn_of_cuts(store, config, progress)
        config = with_window(with_lasting_places(config), store, split.train)
        version = config.version
        folder = distributed.by_first(lambda: RunFolder.reserve("train", version, run))

    def reached() -> str:
        n_epochs = len(folder.load_history())
        return f"stopped after epoch {n_epochs} of {config.optim.epochs}; that much is saved in {folder.path}"

    with only_process_in(folder), stoppable(reached, f"go on: {command('audiomnist train --resume', folder.path)}"):
        if distributed.rank() == 0 and not folder.config.exists():
            folder.begin("train", config, classes, (corpus, split, store.digests))
        progress.say(
            f"run: {folder.path} on {chosen_device}, {len(split.train):,} clips to train, {len(split.test):,} to test"
        )
        for part in trained_corpora(corpus, split, labels(corpus, config.target, classes)):
            if part.lacks:
                progress.say(
                    f"{part.name} has no {', '.join(part.lacks)}: they count as rare there, so that its voices and "
                    "microphones are not taken for never saying them"
                )
        with progress.training(config.optim.epochs):
            listener = EpochListener(progress.epoch_ended)
            return run_experiment(config, corpus, store, split, folder, chosen_device, classes, [listener])


class EpochListener:
    """A listener that passes the records of epochs on."""

    def __init__(self, pass_on: Callable[[EpochRecord], None]) -> None:
        self._pass_on = pass_on

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Pass an epoch's record on."""
        self._pass_on(record)


def run_experiment(
    config: Config,
    corpus: Corpus,
    store: FeatureStore,
    split: Split,
    run: RunFolder,
    device: torch.device,
    classes: Sequence[str],
    listeners: Sequence[Listener] = (),
) -> Result:
    """Train on a split, or go on with training, then test, and write everything into the run folder.

    Of several processes the first alone writes; all return the result.
    """
    started = time.perf_counter()
    is_first = distributed.rank() == 0
    trainer = Trainer(config, corpus, store, split, device, classes)
    run.load_history()
    _go_on(trainer, run, device)
    trainer.fit([Checkpoint(run), TensorBoard(run), *listeners] if is_first else ())
    model = trainer.trained
    recognizer = TorchRecognizer(model, device, trainer.front_end)
    scores = np.zeros(0)
    if len(split.validation):
        logits, scores = split_logits(recognizer.store_logits(store, split.validation), len(model.classes))
        truth = trainer.labels[trainer.watched_clips].cpu().numpy()
        model = replace(model, temperature=fit_temperature(logits, truth), n_calibration=len(truth))
    if config.no_digit.data:
        model = replace(model, no_digit=no_digit.fit(scores, config.no_digit.misses))
    logits = recognizer.store_logits(store, split.test)

    def written() -> Result:
        if model.n_calibration or model.no_digit:
            with run.replacing(run.model) as (file,):
                save_model(model, file)
        history = run.load_history()
        save_figure(loss_figure([history]), run.figures / "loss.png")
        facts = describe(config, str(run.path), device, trainer.epoch) | {
            "weights": run.weights,
            "own_test": True,
            "n_left_out": len(store.left_out),
            "held_out": split.held_out or None,
            "corpora": trained_corpora(corpus, split, labels(corpus, config.target, classes)),
            "n_train": len(split.train),
            "n_parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
            "train_seconds": round(sum(epoch.seconds for epoch in history), 3),
        }
        tested = TorchRecognizer(model, device, trainer.front_end)
        return write_result(tested, store, corpus, split.test, logits, facts, run, started)

    return distributed.by_first(written)


def trained_corpora(corpus: Corpus, split: Split, known: Labels) -> tuple[TrainedCorpus, ...]:
    """Return what each corpus gives to a training, and which classes it lacks."""
    counts = class_counts(corpus.sources, known.of_clips, split.train, len(known.classes))
    missing = missing_classes(counts)
    sources, speakers = corpus.sources[split.train], corpus.speakers[split.train]
    return tuple(
        TrainedCorpus(
            name=name,
            clips=int(counts[number].sum()),
            speakers=len(set(speakers[sources == number].tolist())),
            lacks=tuple(known.classes[label] for label in np.flatnonzero(missing[number])),
        )
        for number, name in enumerate(corpus.source_names)
    )


def run_classes(run: RunFolder) -> tuple[str, ...] | None:
    """Return what the network of a run tells apart, None if an earlier version wrote it down nowhere yet."""
    if record := run.record:
        return record.classes
    return load_model(run.model, torch.device("cpu")).classes if run.model.exists() else None


@contextmanager
def only_process_in(run: RunFolder) -> Iterator[None]:
    """Keep others out of a run; of several processes of one job the first alone does."""
    with run.locked() if distributed.rank() == 0 else nullcontext():
        yield


@contextmanager
def stoppable(reached: Callable[[], str], resume: str) -> Iterator[None]:
    """Turn Ctrl-C, or the end of another process of the job, into an error that says what is saved and how to go on."""
    try:
        with distributed.ends_told():
            yield
    except KeyboardInterrupt as stop:
        raise stopping.as_error(stop, reached(), resume) from None
    except distributed.JobEnded as stop:
        raise distributed.JobEnded(f"{stop.message}; {reached()}", resume) from None


def run_to_resume(path: Path, verb: str) -> RunFolder:
    """Return a stopped run; raise DataError if it is not one of this verb's."""
    run = RunFolder.open(path)
    kind = "kfold" if run.is_cross_validation else "train"
    if kind != verb:
        what = "a cross validation" if kind == "kfold" else "a training run"
        raise DataError(f"{path} is {what}", f"go on: {command(f'audiomnist {kind} --resume', path)}")
    return run


def _go_on(trainer: Trainer, run: RunFolder, device: torch.device) -> None:
    """Go on from the newest state of a run, from the one before if that is damaged, or begin."""
    file, fault = run.state, ""
    try:
        if not run.verified(file).exists():
            return
    except DataError as error:
        if not file.exists() or not before(file).exists():
            raise
        file = run.verified(before(file))
        fault = f"{error.message}; going on with {file.name}, saved before it"
    fault = resume_state(file, device, trainer.load_state) or fault
    if fault:
        warnings.warn(fault, Notice, stacklevel=3)
