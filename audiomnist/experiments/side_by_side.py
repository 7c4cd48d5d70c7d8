"""Experiments that run at the same time, each in a process of its own, over one store that all of them map."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import Queue, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from audiomnist import stopping
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.errors import AudiomnistError, Notice
from audiomnist.experiments.progress import Progress
from audiomnist.experiments.train import run_experiment
from audiomnist.features.store import FeatureStore
from audiomnist.processes import submit_all, worker_pool
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import EpochRecord

if TYPE_CHECKING:
    Reports = Queue[tuple[int, EpochRecord] | str | None]

_LOOK_S = 0.2  # between two looks at whether to stop


def run_experiments(
    corpus: Corpus,
    store: FeatureStore,
    experiments: Mapping[int, tuple[Split, RunFolder]],
    device: torch.device,
    classes: Sequence[str],
    *,
    jobs: int,
    progress: Progress,
) -> None:
    """Run experiments, ``jobs`` at a time; each of several at a time has one thread for itself.

    Networks as small as ours keep two cores busier as two trainings with a thread each than as one with two threads.
    A single one that is left over comes last and has all threads.

    Parameters
    ----------
    experiments : mapping of int to (Split, RunFolder)
        By number; each has its configuration in its folder.
    progress : Progress
        Is told of finished epochs, with the experiment's number.

    Raises
    ------
    AudiomnistError
        What stopped the first of them that failed; the others are stopped too, and can be resumed.
    """
    common = corpus, store.path, device, classes
    calls = [(number, *parts) for number, parts in experiments.items()]
    n_together = 0 if jobs == 1 else len(calls) - (len(calls) % jobs == 1)
    if n_together:
        reports: Reports = get_context("spawn").Queue()
        with (
            stopping.at_safe_points(),
            _passed_on(reports, progress),
            _killed_processes_reported(),
            worker_pool(min(jobs, n_together), _start, (reports,)) as pool,
        ):
            pending = set(submit_all(pool, _run, [(*common, *call) for call in calls[:n_together]]))
            while pending:
                finished, pending = wait(pending, _LOOK_S, FIRST_COMPLETED)
                for future in finished:
                    future.result()
                stopping.check()
    for number, split, run in calls[n_together:]:
        run_experiment(corpus, store, split, run, device, classes, partial(progress.epoch_ended, fold=number))


@contextmanager
def _killed_processes_reported() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise AudiomnistError(
            "a process that trained a fold was killed", "resume with fewer --jobs; memory may have run out"
        ) from error


@contextmanager
def _passed_on(reports: Reports, progress: Progress) -> Iterator[None]:
    """Hand the epochs and notices of the processes on, from a thread of our own, until all is done."""

    def listen() -> None:
        while (report := reports.get()) is not None:
            if isinstance(report, str):
                warnings.warn(report, Notice, stacklevel=1)
            else:
                number, record = report
                progress.epoch_ended(record, number)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        reports.put(None)
        listener.join()


# What a process is given when it starts, and a queue can be given then only. The rest comes with each call, as it is
# more than a pipe holds: whoever starts a process waits until that has read it, and so would the next one's start.
_reports: Reports


def _start(reports: Reports) -> None:
    global _reports
    torch.set_num_threads(1)
    _reports = reports
    otherwise = warnings.showwarning

    def pass_on(message: Warning | str, category: type[Warning], *where: Any, **options: Any) -> None:
        if issubclass(category, Notice):
            reports.put(str(message))
        else:
            otherwise(message, category, *where, **options)

    warnings.showwarning = pass_on


def _run(
    corpus: Corpus,
    store: Path,
    device: torch.device,
    classes: Sequence[str],
    number: int,
    split: Split,
    run: RunFolder,
) -> None:
    run_experiment(
        corpus, FeatureStore.open(store), split, run, device, classes, lambda record: _reports.put((number, record))
    )
