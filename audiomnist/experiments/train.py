"""Training: from a configuration to a tested network in a run folder."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import numpy as np
import torch

from audiomnist import distributed, stopping
from audiomnist.corpus.places import lasting
from audiomnist.corpus.splits import Split
from audiomnist.corpus.splits import split as new_split
from audiomnist.device import seed_everything, select_device
from audiomnist.errors import DataError, Notice, UsageError
from audiomnist.evaluation.calibration import fit_temperature
from audiomnist.evaluation.leaks import check
from audiomnist.experiments.environment import environment, environment_differences
from audiomnist.experiments.inputs import Inputs, open_inputs, warn_of_cuts
from audiomnist.experiments.progress import Progress
from audiomnist.experiments.settings import Options, configured, run_classes
from audiomnist.experiments.testing import describe, write_result
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import loss_figure
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import EpochRecord, NetworkProvenance, Result, TrainedCorpus
from audiomnist.training import no_digit
from audiomnist.training.checkpoint import before, save_model
from audiomnist.training.checkpoint import resume as resume_state
from audiomnist.training.dataset import definite
from audiomnist.training.listeners import Checkpoint, TensorBoard
from audiomnist.training.loss import class_counts, missing_classes
from audiomnist.training.no_digit import split_logits
from audiomnist.training.trainer import Listener, Trainer


def train(
    version: str | None = None,
    *,
    run: Path | None = None,
    resume: Path | None = None,
    like: Path | None = None,
    strict: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[Options],
) -> Result:
    """Train a recogniser on one part of a corpus and test it on the rest, or go on with a stopped run.

    Of several processes all return the result; the first alone writes.

    Raises AudiomnistError for whatever is wrong with settings, corpus or run; Interrupted if it was stopped, with what
    was reached saved.

    Parameters
    ----------
    version : str, optional
        A configuration that comes with the program, ``v2`` by default.
    run : Path, optional
        New folder for the run, ``runs/<time>-<version>`` by default.
    resume : Path, optional
        A stopped run; it has its settings.
    like : Path, optional
        A run to repeat in a new folder: it has settings, clips and seed. Only ``data`` may be given beside it, for a
        corpus that lies elsewhere now; its clips must sound as they did.
    strict : bool
        Whether a clip that cannot be used is an error. Otherwise it is left out.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    progress : Progress, optional
        Shows how work goes.
    **options
        See ``Options``.
    """
    progress = progress or Progress()
    if resume is not None and like is not None:
        raise UsageError("--resume continues a run, --like repeats one", "give one of them")
    config, source = configured("train", resume, like, run, version, options)
    folder = None if like else source
    chosen_device = select_device(device)
    seed_everything(config.seed)
    inputs = open_inputs(config, progress, run_classes(source), strict=strict)
    corpus, digests = inputs.corpus, inputs.store.digests
    if source is not None:
        split = source.load_split().unchanged(corpus, digests)
    else:
        split = new_split(corpus, config.split, config.seed, inputs.labels.of_clips)
    check(config, corpus, inputs.store, split)
    if folder is None:
        warn_of_cuts(inputs.store, config, progress)
        config = definite(config.with_places(lambda named: map(lasting, named)), inputs.store, split.train)
        version = config.version
        folder = distributed.by_first(lambda: RunFolder.reserve("train", version, run))

    def reached() -> str:
        n_epochs = len(folder.load_history())
        return f"stopped after epoch {n_epochs} of {config.optim.epochs}; that much is saved in {folder.path}"

    def begin() -> None:
        if not folder.config.exists():
            here = environment(chosen_device)
            folder.begin("train", config, inputs.labels.classes, (corpus, split, digests), environment=here)

    with folder.locked(), stoppable(reached, folder):
        distributed.by_first(begin)  # the others read what it writes
        progress.say(
            f"run: {folder.path} on {chosen_device}, {len(split.train):,} clips to train, {len(split.test):,} to test"
        )
        if source is not None and source is not folder:
            for name, (then, now) in (environment_differences(source, folder) or {}).items():
                progress.say(f"{name} is {now}, and was {then} in {source.path}")
        for part in trained_corpora(inputs, split):
            if part.lacks:
                progress.say(
                    f"{part.name} has no {', '.join(part.lacks)}: the loss treats these as rare there, so that "
                    "the network does not learn that its speakers never say them"
                )
        with progress.training(config.optim.epochs):
            return run_experiment(inputs, split, folder, chosen_device, Reporter(progress))


@dataclass
class Reporter(Listener):
    """A listener that passes steps and epochs on to a ``Progress``, of a fold where there are several."""

    progress: Progress
    fold: int | None = None

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Pass an epoch's record on."""
        self.progress.epoch_ended(record, self.fold)

    def step_ended(self, trainer: Trainer) -> None:
        """Pass on how much of the epoch is done."""
        self.progress.step_ended(trainer.part_of_epoch)


def run_experiment(inputs: Inputs, split: Split, run: RunFolder, device: torch.device, reporter: Listener) -> Result:
    """Train on a split as a run's configuration says, or go on, then test, and write everything into its folder.

    Of several processes the first alone writes; all return the result.
    """
    started = time.perf_counter()
    is_first = distributed.rank() == 0
    config, store = run.load_config(), inputs.store
    trainer = Trainer(config, store, inputs.labels, inputs.corpus.sources, split, device)
    run.load_history()
    _go_on(trainer, run, device)
    trainer.fit([Checkpoint(run), TensorBoard(run), reporter] if is_first else ())
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
        provenance = NetworkProvenance(
            **dict(describe(config, inputs, str(run.path), device, trainer.epoch)),
            weights=run.weights,
            own_test=True,
            held_out=split.held_out or None,
            corpora=trained_corpora(inputs, split),
            n_train=len(split.train),
            n_parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
            train_seconds=round(sum(epoch.seconds for epoch in history), 3),
        )
        tested = TorchRecognizer(model, device, trainer.front_end)
        return write_result(tested, inputs, split.test, logits, provenance, run, started)

    return distributed.by_first(written)


def trained_corpora(inputs: Inputs, split: Split) -> tuple[TrainedCorpus, ...]:
    """Return what each corpus gives to a training, and which classes it lacks."""
    corpus, known = inputs.corpus, inputs.labels
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


@contextmanager
def stoppable(reached: Callable[[], str], run: RunFolder) -> Iterator[None]:
    """Turn Ctrl-C, or the end of another process of the job, into an error that says what is saved and how to go on."""
    try:
        with distributed.lost_connections_reported():
            yield
    except KeyboardInterrupt as stop:
        raise stopping.as_error(stop, reached(), f"resume: {run.resume_command}") from None
    except distributed.JobEnded as stop:
        raise distributed.JobEnded(f"{stop.message}; {reached()}", f"resume: {run.resume_command}") from None


def _go_on(trainer: Trainer, run: RunFolder, device: torch.device) -> None:
    """Go on from the newest state of a run, from the one before if that is damaged, or begin."""
    newest, older = run.state, before(run.state)
    try:
        if run.verified(newest).exists():
            resume_state(newest, device, trainer.load_state)
    except DataError as error:
        if not (newest.exists() and older.exists()):
            raise
        resume_state(run.verified(older), device, trainer.load_state)
        warnings.warn(f"{error.message}; continuing from {older.name}, saved before it", Notice, stacklevel=3)
