"""One experiment from store to result: train, test, write the run folder."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from audiomnist import __version__, distributed
from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.corpus.targets import labels
from audiomnist.errors import Notice
from audiomnist.evaluation.calibration import calibration, fit_temperature
from audiomnist.evaluation.groups import columns_of
from audiomnist.evaluation.metrics import score
from audiomnist.evaluation.predictions import Predictions
from audiomnist.features.store import FeatureStore
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.facts import read_history
from audiomnist.reports.figures import (
    confusion_figure,
    loss_figure,
    reliability_figure,
    samples_figure,
    save_figure,
)
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import Result
from audiomnist.training import no_digit
from audiomnist.training.checkpoint import resume, save_model
from audiomnist.training.dataset import with_window
from audiomnist.training.listeners import Checkpoint, History, TensorBoard
from audiomnist.training.no_digit import split_logits
from audiomnist.training.trainer import Listener, Trainer

N_SAMPLES = 16


def run_experiment(
    config: Config,
    corpus: Corpus,
    store: FeatureStore,
    split: Split,
    run: RunFolder,
    device: torch.device,
    listeners: Sequence[Listener] = (),
) -> Result:
    """Train on a split, or go on with training, then test, and write everything into the run folder.

    Of several processes the first alone writes, and goes on alone after the test.
    """
    started = time.perf_counter()
    config = with_window(config, store, split.train)
    is_first = distributed.rank() == 0
    if is_first and not run.config.exists():
        run.save_split(corpus, split)
        config.save(run.config)
    trainer = Trainer(config, corpus, store, split, device)
    if run.state.exists() and (fault := resume(run.state, device, trainer.load_state)):
        warnings.warn(fault, Notice, stacklevel=2)
    trainer.fit([History(run), Checkpoint(run), TensorBoard(run), *listeners] if is_first else ())
    model = trainer.trained
    recognizer = TorchRecognizer(model, device, trainer.front_end)
    n_classes = len(model.classes)
    scores = np.zeros(0)
    if len(split.validation):
        logits, scores = split_logits(recognizer.store_logits(store, split.validation), n_classes)
        truth = trainer.labels[trainer.watched_clips].cpu().numpy()
        model = replace(model, temperature=fit_temperature(logits, truth), n_calibration=len(truth))
    if config.no_digit.data:
        model = replace(model, no_digit=no_digit.fit(scores, config.no_digit.misses))
    logits = recognizer.store_logits(store, split.test)
    distributed.go_on_alone()
    if model.n_calibration or model.no_digit:
        save_model(model, run.model)
    history = read_history(run)
    save_figure(loss_figure([history]), run.figures / "loss.png")
    facts = {
        **describe(config, run, device),
        "own_test": True,
        "held_out": list(split.held_out) or None,
        "n_train": len(split.train),
        "n_parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "train_seconds": round(sum(epoch.seconds for epoch in history), 3),
    }
    recognizer = TorchRecognizer(model, device, trainer.front_end)
    return _written(recognizer, store, corpus, split.test, logits, facts, run, started)


def evaluate(
    recognizer: TorchRecognizer,
    store: FeatureStore,
    corpus: Corpus,
    clips: NDArray[np.int64],
    facts: dict[str, Any],
    out: RunFolder,
) -> Result:
    """Test a recogniser on clips of a corpus; write predictions, metrics and figures.

    Several processes share the test, after which the first goes on alone.

    Parameters
    ----------
    clips : int64 array [n_clips]
        Indices into the corpus, which is the store's.
    facts : dict
        What shall stand in the result beside the scores.
    out : RunFolder
        Where to write.
    """
    started = time.perf_counter()
    logits = recognizer.store_logits(store, clips)
    distributed.go_on_alone()
    return _written(recognizer, store, corpus, clips, logits, facts, out, started)


def _written(
    recognizer: TorchRecognizer,
    store: FeatureStore,
    corpus: Corpus,
    clips: NDArray[np.int64],
    logits: NDArray[np.float32],
    facts: dict[str, Any],
    out: RunFolder,
    started: float,
) -> Result:
    """Judge the logits of clips, write the result and return it."""
    model = recognizer.model
    known = labels(corpus, model.config.target, model.classes)
    logits, digit_scores = split_logits(logits, len(model.classes))
    misses = float((digit_scores < model.no_digit.threshold).mean()) if model.no_digit else None
    predictions = Predictions.of(corpus, known, clips, logits, model.temperature)
    scores = score(predictions, columns_of(corpus, model.config.target, clips))
    n_calibration = model.n_calibration
    tempered = scores.calibration.model_copy(
        update={
            "temperature": model.temperature,
            "fitted_on": f"validation ({n_calibration:,} clips)" if n_calibration else None,
            "ece_uncalibrated": calibration(Predictions.of(corpus, known, clips, logits)).ece,
        }
    )
    predictions.save(out.predictions)
    save_figure(confusion_figure(scores), out.figures / "confusion.png")
    save_figure(reliability_figure(scores.calibration), out.figures / "reliability.png")
    shown = _samples(predictions)
    spectrograms = recognizer.inputs(store, clips[shown])[:, 0].swapaxes(1, 2)
    save_figure(samples_figure(predictions, shown, spectrograms), out.figures / "samples.png")
    facts |= (
        {"n_left_out": len(store.left_out)}
        | facts
        | {
            "misses": misses,
            "corpus_fingerprint": corpus.fingerprint,
            "seconds": round(time.perf_counter() - started, 3),
        }
    )
    result = Result(**facts, **dict(scores.model_copy(update={"calibration": tempered})))
    result.save(out.metrics)
    return result


def describe(config: Config, run: RunFolder, device: torch.device) -> dict[str, Any]:
    """Return what identifies a run in its results."""
    return {
        "run": str(run.path),
        "version": config.version,
        "target": config.target,
        "split": config.split.scheme,
        "data": config.data,
        "seed": config.seed,
        "epochs": config.optim.epochs,
        "epochs_planned": config.optim.epochs,
        "device": str(device),
        "audiomnist": __version__,
        "torch": torch.__version__,
    }


def _samples(predictions: Predictions) -> NDArray[np.int64]:
    """Choose clips to show: the surest mistakes for up to half of them, the rest spread over what was right."""
    sureness = predictions.probabilities.max(1)
    wrong = np.flatnonzero(~predictions.correct)
    wrong = wrong[np.argsort(-sureness[wrong], kind="stable")][: N_SAMPLES // 2]
    right = np.flatnonzero(predictions.correct)
    n_right = min(N_SAMPLES - len(wrong), len(right))
    spread = right[np.linspace(0, len(right) - 1, n_right).astype(np.int64)] if n_right else right[:0]
    return np.concatenate([wrong, spread])
