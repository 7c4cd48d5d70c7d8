"""Train, measure and use recognisers of spoken digits.

``load`` returns a recogniser; ``train``, ``kfold`` and ``evaluate`` do what the verbs of the command line do and return
their typed results. Importing this package loads none of them, nor PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from audiomnist.inference.recognizer import Recognizer

__version__ = "0.1.0"
__all__ = ["evaluate", "kfold", "load", "train"]


def load(model: str | Path = "digits", *, device: str = "auto") -> Recognizer:
    """Return the recogniser of a model.

    Raises audiomnist.errors.DataError if there is no such model, or it is broken.

    Parameters
    ----------
    model : str or Path
        A run folder, a ``model.safetensors``, an ``.onnx`` made by ``audiomnist export``, or ``digits``, the model
        that comes with the program.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; an ONNX model runs on the CPU.
    """
    from audiomnist.inference.opening import open_model

    return open_model(model, device)


def __getattr__(name: str) -> Any:
    if name in {"evaluate", "kfold", "train"}:
        return getattr(import_module(f"audiomnist.experiments.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
