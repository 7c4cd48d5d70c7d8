"""Weights and resume state on disk, each file whole or absent."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from audiomnist.config import Config, from_settings
from audiomnist.errors import DataError
from audiomnist.files import atomic_path
from audiomnist.training.models import build_model
from audiomnist.training.no_digit import NoDigit

FORMAT = 2
METADATA_KEY = "audiomnist"  # a single one: several are written in no fixed order


@dataclass(frozen=True)
class TrainedModel:
    """A network with all that is needed to use it.

    Attributes
    ----------
    temperature : float
        What its logits are divided by before the softmax.
    n_calibration : int
        Validation clips that the temperature was fitted on; 0 if there were none, and then it is 1.
    no_digit : NoDigit, optional
        How it says that it heard none of the classes, if it can.
    """

    network: nn.Module
    config: Config
    classes: tuple[str, ...]
    temperature: float = 1.0
    n_calibration: int = 0
    no_digit: NoDigit | None = None


def save_model(model: TrainedModel, path: Path) -> None:
    """Write weights as safetensors; all else that a model is stands in the file's metadata, as JSON.

    There ``no_digit`` is null, or has the fields of ``NoDigit``.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    description = {
        "format": FORMAT,
        "config": model.config.model_dump(mode="json"),
        "classes": model.classes,
        "temperature": model.temperature,
        "n_calibration": model.n_calibration,
        "no_digit": asdict(model.no_digit) if model.no_digit else None,
    }
    with _telling(path), atomic_path(path) as temporary:
        save_file(tensors, temporary, {METADATA_KEY: json.dumps(description)})


def load_model(path: Path, device: torch.device) -> TrainedModel:
    """Read a model file onto a device, whichever device it was trained on.

    Raises
    ------
    DataError
        If the file is missing or is not a model of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        if description["format"] != FORMAT:
            raise ValueError(f"format {description['format']}, this version reads {FORMAT}")
        config = from_settings(description["config"], str(path))
        classes = tuple(description["classes"])
        temperature = float(description.get("temperature", 1.0))
        n_calibration = int(description.get("n_calibration", 0))
        no_digit = NoDigit(**described) if (described := description.get("no_digit")) else None
        network = build_model(config, len(classes))
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: no model file of audiomnist's ({error})", "train one: audiomnist train") from error
    return TrainedModel(network.to(device).eval(), config, classes, temperature, n_calibration, no_digit)


def save_state(state: dict[str, Any], path: Path) -> None:
    """Write the resume state."""
    with _telling(path), atomic_path(path) as temporary:
        torch.save(state, temporary)


def load_state(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a resume state onto a device; nothing in the file is executed.

    Raises
    ------
    DataError
        If the file is not a resume state.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: no resume state ({reason})", "train anew") from error
    return state


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what the libraries raise when they cannot write into an error that names the file."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        raise DataError(
            f"{path}: cannot be written ({error})", "check the disk and the folder's permissions"
        ) from error
