"""Testing a network: from its logits to a result, written into a folder."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray

from audiomnist import __version__
from audiomnist.config import Config
from audiomnist.evaluation.calibration import calibration
from audiomnist.evaluation.metrics import columns_of, score
from audiomnist.evaluation.predictions import Predictions
from audiomnist.experiments.inputs import Inputs
from audiomnist.features.store import FeatureStore
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import confusion_figure, reliability_figure, samples_figure
from audiomnist.runs.record import Folder
from audiomnist.runs.results import NetworkProvenance, Provenance, Result
from audiomnist.training.dataset import trimmed
from audiomnist.training.no_digit import split_logits

_N_SAMPLES = 16


def write_result(
    recognizer: TorchRecognizer,
    inputs: Inputs,
    clips: NDArray[np.int64],
    logits: NDArray[np.float32],
    provenance: NetworkProvenance,
    out: Folder,
    started: float,
) -> Result:
    """Score the logits of clips; write predictions, figures and the result, and return it.

    Parameters
    ----------
    clips : int64 array [n_clips]
        Which are tested.
    logits : float32 array [n_clips, n_classes]
    started : float
        ``time.perf_counter()`` when the work began.
    """
    model, corpus, known = recognizer.model, inputs.corpus, inputs.labels
    logits, digit_scores = split_logits(logits, len(model.classes))
    predictions = Predictions.of(corpus, known, clips, logits, model.temperature)
    scores = score(predictions, columns_of(corpus, model.config.target, clips))
    tempered = scores.calibration.model_copy(
        update={
            "temperature": model.temperature,
            "fitted_on": f"validation ({model.n_calibration:,} clips)" if model.n_calibration else None,
            "ece_uncalibrated": calibration(Predictions.of(corpus, known, clips, logits)).ece,
        }
    )
    save_figure(confusion_figure(scores), out.figures / "confusion.png")
    save_figure(reliability_figure(scores.calibration), out.figures / "reliability.png")
    shown = _samples(predictions)
    spectrograms = recognizer.inputs(inputs.store, clips[shown])[:, 0].swapaxes(1, 2)
    save_figure(samples_figure(predictions, shown, spectrograms), out.figures / "samples.png")
    with out.replacing(out.predictions, out.metrics) as (predictions_file, metrics_file):
        predictions.save(predictions_file)
        result = Result(
            **dict(provenance),
            **dict(scores.model_copy(update={"calibration": tempered})),
            misses=float((digit_scores < model.no_digit.threshold).mean()) if model.no_digit else None,
            n_cut=_n_cut(inputs.store, model.config, clips),
            seconds=round(time.perf_counter() - started, 3),
        )
        result.save(metrics_file)
    return result


def describe(config: Config, inputs: Inputs, run: str, device: torch.device, epochs: int) -> Provenance:
    """Return what a result is of, on what machine."""
    return Provenance(
        run=run,
        version=config.version,
        target=config.target,
        split=config.split.scheme,
        data=config.data,
        seed=config.seed,
        epochs=epochs,
        epochs_planned=config.optim.epochs,
        device=str(device),
        audiomnist=__version__,
        torch=torch.__version__,
        corpus_fingerprint=inputs.corpus.fingerprint,
        n_left_out=inputs.n_left_out,
    )


def _n_cut(store: FeatureStore, config: Config, clips: NDArray[np.int64]) -> int:
    """Return how many clips are longer than the window, once they are trimmed."""
    if config.window.clip_ms == "auto":
        return 0
    longest = config.window.clip_ms * config.features.sample_rate / 1000
    return int((trimmed(store, config.window).n_samples[clips] > longest).sum())


def _samples(predictions: Predictions) -> NDArray[np.int64]:
    """Choose clips to show: up to half misclassified, by falling confidence; the rest spread over the others."""
    wrong = predictions.mistakes[: _N_SAMPLES // 2]
    correct = np.flatnonzero(predictions.correct)
    n_correct = min(_N_SAMPLES - len(wrong), len(correct))
    spread = correct[np.linspace(0, len(correct) - 1, n_correct).astype(np.int64)] if n_correct else correct[:0]
    return np.concatenate([wrong, spread])
