"""The verbs from Python, with their options: ``audiomnist.train``, ``audiomnist.kfold`` and ``audiomnist.evaluate``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiomnist.config import Config
from audiomnist.experiments.evaluate import Evaluation, evaluate
from audiomnist.experiments.kfold import kfold as cross_validate
from audiomnist.experiments.settings import resolve
from audiomnist.experiments.train import train as train_and_test
from audiomnist.runs.results import CrossValidation, Result

__all__ = ["Evaluation", "evaluate", "kfold", "train"]


def train(
    version: str | None = None,
    *,
    config_file: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    run: Path | None = None,
    resume: Path | None = None,
    device: str = "auto",
    **options: Any,
) -> Result:
    """Train a recogniser and test it: ``audiomnist train``.

    Parameters
    ----------
    version : str, optional
        A configuration that comes with the program; ``v2`` by default.
    config_file : Path, optional
        One of your own in its place.
    settings : mapping, optional
        Changes, such as ``{"optim.epochs": 5}``.
    run : Path, optional
        Folder for the run.
    resume : Path, optional
        A stopped run to go on with; it has its settings.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    **options
        ``data``, ``extra_data``, ``no_digit_data``, ``exclude_file``, ``seed``, ``target``, ``start`` and ``scheme``,
        which is what the command calls ``--split``.

    Raises
    ------
    audiomnist.errors.AudiomnistError
        Whatever is wrong with settings or corpus.
    """
    config = None if resume else _configuration(version, config_file, settings, options)
    return train_and_test(config, run=run, resume=resume, device=device)


def kfold(
    version: str | None = None,
    *,
    config_file: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    run: Path | None = None,
    resume: Path | None = None,
    jobs: int = 1,
    suspects: bool = False,
    device: str = "auto",
    **options: Any,
) -> CrossValidation:
    """Cross-validate: ``audiomnist kfold``. Parameters are those of ``train``, and ``folds`` among the options.

    Parameters
    ----------
    jobs : int
        Folds at a time.
    suspects : bool
        Whether to list the clips whose label looks wrong.
    """
    config = None if resume else _configuration(version, config_file, settings, options)
    return cross_validate(config, run=run, resume=resume, jobs=jobs, suspects=suspects, device=device)


def _configuration(
    version: str | None, config_file: Path | None, settings: Mapping[str, Any] | None, options: dict[str, Any]
) -> Config:
    changes = [f"{key}={json.dumps(value)}" for key, value in (settings or {}).items()]
    return resolve(version, config_file, changes, **options)
