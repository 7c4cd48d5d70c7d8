"""Cross validation: one experiment per fold over one store, and what they come to together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from audiomnist import distributed
from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.errors import DataError
from audiomnist.evaluation.groups import columns_of
from audiomnist.evaluation.metrics import score
from audiomnist.evaluation.predictions import Predictions
from audiomnist.experiments.experiment import describe
from audiomnist.experiments.side_by_side import Report, run_experiments
from audiomnist.features.store import FeatureStore
from audiomnist.reports.figures import confusion_figure, reliability_figure, save_figure
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import CrossValidation, Fold, Result


def cross_validate(
    config: Config,
    corpus: Corpus,
    store: FeatureStore,
    splits: Sequence[Split],
    run: RunFolder,
    device: torch.device,
    *,
    jobs: int = 1,
    report: Report = lambda fold, record: None,
) -> CrossValidation:
    """Run an experiment on each split; folds that the run folder holds already are not run again.

    Of several processes each takes some of the folds, which it runs by itself; then the first goes on alone.

    Parameters
    ----------
    jobs : int
        Folds at a time. More than one have a process and a thread each.
    report : callable
        Given the number of a fold and its finished epoch.
    """
    folds = [RunFolder(run.path / f"fold-{number}") for number in range(len(splits))]
    missing = distributed.by_first(lambda: [number for number, fold in enumerate(folds) if not fold.metrics.exists()])
    own = {number: (splits[number], folds[number]) for number in missing[distributed.rank() :: distributed.size()]}
    with distributed.alone():
        run_experiments(config, corpus, store, own, device, jobs=jobs, report=report)
    distributed.wait_for_all()
    distributed.go_on_alone()
    rows, parts = [], []
    for number, (split, fold) in enumerate(zip(splits, folds, strict=True)):
        parts.append(_finished_predictions(fold, corpus, split))
        rows.append(Fold(fold=number, **dict(Result.load(fold.metrics))))
    everything = Predictions.joined(parts)
    everything.save(run.predictions)
    tested = np.concatenate([split.test for split in splits])
    scores = score(everything, columns_of(corpus, config.target, tested))
    save_figure(confusion_figure(scores), run.figures / "confusion.png")
    save_figure(reliability_figure(scores.calibration), run.figures / "reliability.png")
    facts = describe(config, run, device) | {
        "corpus_fingerprint": corpus.fingerprint,
        "n_left_out": len(store.left_out),
        "seconds": round(sum(row.seconds for row in rows), 3),
    }
    result = CrossValidation(folds=tuple(rows), **facts, **dict(scores))
    result.save(run.metrics)
    return result


def _finished_predictions(fold: RunFolder, corpus: Corpus, split: Split) -> Predictions:
    try:
        predictions = Predictions.load(fold.predictions)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{fold.predictions}: no predictions ({error})", f"remove {fold.path} and resume") from error
    if predictions.paths != tuple(corpus.paths[clip] for clip in split.test.tolist()):
        raise DataError(
            f"{fold.path} tested other clips than this fold does now: the corpus has changed since",
            "run kfold anew, without --resume",
        )
    return predictions
