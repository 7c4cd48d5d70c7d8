"""Train, measure and use recognisers of spoken digits.

``load`` returns a recogniser; ``train``, ``kfold`` and ``evaluate`` do what the verbs of the command line do and return
their typed results. Importing this package loads none of them, nor PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from audiomnist.experiments.evaluate import Evaluation
    from audiomnist.inference.recognizer import Recognizer
    from audiomnist.runs.results import CrossValidation, Result

__version__ = "0.1.0"
__all__ = ["evaluate", "kfold", "load", "train"]


def load(model: str | Path = "digits", *, device: str = "auto") -> Recognizer:
    """Return the recogniser of a model.

    Parameters
    ----------
    model : str or Path
        A run folder, a ``model.safetensors``, an ``.onnx`` made by ``audiomnist export``, or ``digits``, the model
        that comes with the program.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; an ONNX model runs on the CPU.

    Raises
    ------
    audiomnist.errors.DataError
        If there is no such model, or it is broken.
    """
    from audiomnist.inference.opening import open_model

    return open_model(model, device)


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
    from audiomnist.experiments.train import train as work

    config = None if resume else _configuration(version, config_file, settings, options)
    return work(config, run=run, resume=resume, device=device)


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
    from audiomnist.experiments.kfold import kfold as work

    config = None if resume else _configuration(version, config_file, settings, options)
    return work(config, run=run, resume=resume, jobs=jobs, suspects=suspects, device=device)


def evaluate(model: str | Path | None = None, data: str | None = None, **options: Any) -> Evaluation:
    """Test a model on its own test clips, or on another corpus: ``audiomnist evaluate``.

    Parameters
    ----------
    model : str or Path, optional
        As for ``load``; the newest finished run by default.
    data : str, optional
        Another corpus.
    **options
        Those of ``audiomnist.experiments.evaluate.evaluate``: ``split``, ``exclude_file``, ``out``, ``robustness``,
        ``device`` and more.
    """
    from audiomnist.experiments.evaluate import evaluate as work

    return work(model, data, **options)


def _configuration(
    version: str | None, config_file: Path | None, settings: Mapping[str, Any] | None, options: dict[str, Any]
) -> Any:
    import json

    from audiomnist.cli.options import resolve

    changes = [f"{key}={json.dumps(value)}" for key, value in (settings or {}).items()]
    return resolve(version, config_file, changes, **options)
