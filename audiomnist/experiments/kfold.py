"""Cross validation: one experiment per fold over one store, and their results as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import numpy as np
import torch

from audiomnist import distributed
from audiomnist.config import Config
from audiomnist.corpus.places import lasting
from audiomnist.corpus.splits import Split
from audiomnist.corpus.splits import folds as new_folds
from audiomnist.device import seed_everything, select_device
from audiomnist.errors import DataError, UsageError
from audiomnist.evaluation.leaks import check
from audiomnist.evaluation.metrics import columns_of, score
from audiomnist.evaluation.predictions import Predictions
from audiomnist.experiments.environment import environment
from audiomnist.experiments.inputs import Inputs, open_inputs, warn_of_cuts
from audiomnist.experiments.progress import Progress
from audiomnist.experiments.settings import Options, configured, run_classes
from audiomnist.experiments.side_by_side import run_experiments
from audiomnist.experiments.testing import describe
from audiomnist.experiments.train import stoppable
from audiomnist.files import remove_left_over
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import confusion_figure, reliability_figure
from audiomnist.reports.suspects import list_suspects
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import CrossValidation, Fold
from audiomnist.training.dataset import definite


def kfold(
    version: str | None = None,
    *,
    run: Path | None = None,
    resume: Path | None = None,
    jobs: int = 1,
    suspects: bool = False,
    strict: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[Options],
) -> CrossValidation:
    """Train and test once per fold, so that every clip is tested by a network that was not trained on it.

    Of several processes each takes some of the folds, which it runs by itself; all return the result. Parameters are
    those of ``train`` and two more.

    Raises AudiomnistError for whatever is wrong with settings, corpus or run; Interrupted if it was stopped, with what
    was reached saved.

    Parameters
    ----------
    jobs : int
        Folds at a time. More than one have a process and a thread each.
    suspects : bool
        Whether to list the clips whose label looks wrong as well.
    """
    progress = progress or Progress()
    if jobs > 1 and distributed.size() > 1:
        raise UsageError("--jobs and torchrun both train folds side by side", "use one of them")
    config, parent = configured("kfold", resume, None, run, version, options)
    chosen_device = select_device(device)
    seed_everything(config.seed)
    inputs = open_inputs(config, progress, run_classes(parent), strict=strict)
    corpus, store, classes = inputs.corpus, inputs.store, inputs.labels.classes
    splits = _splits(config, inputs, parent)
    for split in splits:
        check(config, corpus, store, split)
    if parent is None:
        warn_of_cuts(store, config, progress)
        config = config.with_places(lambda named: map(lasting, named))
        name = f"kfold-{config.version}"
        parent = distributed.by_first(lambda: RunFolder.reserve("kfold", name, run))
    folds = [RunFolder(parent.path / f"fold-{number}") for number in range(len(splits))]

    def reached() -> str:
        n_finished = sum(fold.is_finished for fold in folds)
        return f"stopped after {n_finished} of {len(splits)} folds; they are saved in {parent.path}"

    with parent.locked(), stoppable(reached, parent):
        if distributed.rank() == 0:
            here = environment(chosen_device)
            for fold, split in zip(folds, splits, strict=True):
                if fold.config.exists():
                    remove_left_over(fold.path)  # nobody writes into a finished one any more
                else:
                    of_fold = definite(config, store, split.train)
                    fold.begin("train", of_fold, classes, (corpus, split, store.digests), environment=here)
            if not parent.config.exists():
                parent.begin("kfold", config, classes, folds=len(folds), environment=here)
        progress.say(f"run: {parent.path} on {chosen_device}, {len(splits)} folds")
        missing = distributed.by_first(lambda: [number for number, fold in enumerate(folds) if not fold.is_finished])
        own = {number: (splits[number], folds[number]) for number in missing[distributed.rank() :: distributed.size()]}
        with progress.training(len(splits) * config.optim.epochs), distributed.alone():
            run_experiments(inputs, own, chosen_device, jobs=jobs, progress=progress)
        distributed.wait_for_all()
        return distributed.by_first(
            lambda: _together(config, inputs, splits, folds, parent, chosen_device, suspects=suspects)
        )


def _splits(config: Config, inputs: Inputs, parent: RunFolder | None) -> list[Split]:
    """Return the split of each fold: as it is written, or a new one if the cross validation is new.

    A run of an earlier version wrote a fold's split only when the fold began, and folders of folds may be lost. Such
    splits are made again, which is right only if the written ones would come out as they are.
    """
    corpus = inputs.corpus
    written = {
        int(fold.path.name.removeprefix("fold-")): fold.load_split().unchanged(corpus, inputs.store.digests)
        for fold in (parent.folds if parent else ())
    }
    record = parent.record if parent else None
    if record is not None and record.folds == len(written):
        return [written[number] for number in sorted(written)]
    splits = new_folds(corpus, config.split, config.seed, inputs.labels.of_clips)
    for number, split in written.items():
        if number >= len(splits) or not np.array_equal(split.test, splits[number].test):
            raise DataError(
                f"{corpus.root} has changed since {parent and parent.path} began: its folds would now differ",
                "restore the corpus, or run kfold again, without --resume",
            )
    return [written.get(number, split) for number, split in enumerate(splits)]


def _together(
    config: Config,
    inputs: Inputs,
    splits: Sequence[Split],
    folds: Sequence[RunFolder],
    parent: RunFolder,
    device: torch.device,
    *,
    suspects: bool,
) -> CrossValidation:
    corpus, results = inputs.corpus, [fold.result() for fold in folds]
    everything = Predictions.joined(
        [Predictions.of_result(fold, result) for fold, result in zip(folds, results, strict=True)]
    )
    tested = np.concatenate([split.test for split in splits])
    if everything.paths != tuple(corpus.paths[clip] for clip in tested.tolist()):
        raise DataError(f"{parent.path}: predictions and splits of the folds differ", "run kfold again")
    scores = score(everything, columns_of(corpus, config.target, tested))
    save_figure(confusion_figure(scores), parent.figures / "confusion.png")
    save_figure(reliability_figure(scores.calibration), parent.figures / "reliability.png")
    found = None
    with parent.replacing(parent.predictions, parent.metrics) as (predictions_file, metrics_file):
        everything.save(predictions_file)
        if suspects:
            found = list_suspects(corpus, splits, everything, parent.path)
        epochs = min(result.epochs for result in results)
        missed = [result.misses * result.n_test for result in results if result.misses is not None]
        result = CrossValidation(
            **dict(describe(config, inputs, str(parent.path), device, epochs)),
            **dict(scores),
            seconds=round(sum(result.seconds for result in results), 3),
            misses=sum(missed) / scores.n_test if len(missed) == len(results) else None,
            folds=tuple(Fold(fold=number, **dict(result)) for number, result in enumerate(results)),
            suspects=found,
        )
        result.save(metrics_file)
    return result
