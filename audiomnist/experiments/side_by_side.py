"""Experiments that run at the same time, each in a process of its own, over one store that all of them map."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import torch

from audiomnist import stopping
from audiomnist.corpus.splits import Split
from audiomnist.errors import AudiomnistError
from audiomnist.experiments.inputs import Inputs
from audiomnist.experiments.progress import Progress
from audiomnist.experiments.train import Reporter, run_experiment
from audiomnist.processes import submit_all, worker_pool
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import EpochRecord
from audiomnist.training.trainer import Listener

_LOOK_S = 0.2  # between two looks at whether to stop


def run_experiments(
    inputs: Inputs,
    experiments: Mapping[int, tuple[Split, RunFolder]],
    device: torch.device,
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
        Receives the finished epochs, with the experiment's number.

    Raises
    ------
    AudiomnistError
        What stopped the first of them that failed; the others are stopped too, and can be resumed.
    """
    calls = [(number, *parts) for number, parts in experiments.items()]
    n_together = 0 if jobs == 1 else len(calls) - (len(calls) % jobs == 1)
    if together := calls[:n_together]:
        shown = {number: set(_epochs(run)) for number, _, run in together}
        with (
            stopping.at_safe_points(),
            _killed_processes_reported(),
            worker_pool(min(jobs, n_together)) as pool,
        ):
            pending = set(submit_all(pool, _run, [(inputs, split, run, device) for _, split, run in together]))
            while pending:
                finished, pending = wait(pending, _LOOK_S, FIRST_COMPLETED)
                for number, _, run in together:
                    for line in _epochs(run):
                        if line not in shown[number]:
                            shown[number].add(line)
                            progress.epoch_ended(EpochRecord.model_validate_json(line), number)
                for future in finished:
                    for message, category in future.result():
                        warnings.warn(message, category, stacklevel=2)
                stopping.check()
    for number, split, run in calls[n_together:]:
        run_experiment(inputs, split, run, device, Reporter(progress, number))


def _epochs(run: RunFolder) -> list[bytes]:
    """Return the epochs of a run that another process is writing, a line each; the file is replaced as a whole."""
    return run.history.read_bytes().splitlines() if run.history.exists() else []


@contextmanager
def _killed_processes_reported() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        stopping.check()  # it was asked to stop as well
        raise AudiomnistError(
            "a process that trained a fold was killed", "memory may have run out; resume with fewer --jobs"
        ) from error


def _run(inputs: Inputs, split: Split, run: RunFolder, device: torch.device) -> list[tuple[str, type[Warning]]]:
    """Run an experiment on one thread; return the warnings, for the parent process to give."""
    torch.set_num_threads(1)
    with warnings.catch_warnings(record=True) as given:
        run_experiment(inputs, split, run, device, Listener())
    return [(str(warning.message), warning.category) for warning in given]
