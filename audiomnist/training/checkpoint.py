"""Weights and resume state on disk, each file whole or absent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zipfile import ZIP_STORED, ZipFile

import torch
from pydantic import Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from audiomnist.config import Config, from_settings
from audiomnist.errors import AudiomnistError, DataError, first_line
from audiomnist.files import atomic_path
from audiomnist.runs.documents import Count, Document
from audiomnist.training.models import build_model
from audiomnist.training.no_digit import NoDigit

FORMAT = 2
METADATA_KEY = "audiomnist"  # a single one: several are written in no fixed order
_MOST_CLASSES = 65_536
_MOST_BYTES = 2**30
_KINDS = {torch.float32: "F32", torch.int64: "I64"}


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
        How it recognises that none of the classes was said, if it can.
    epochs : int, optional
        That it was trained; None in files of earlier versions.
    licence : str, optional
        What its maker says of its licence; see ``inference.credits`` for what is said where it is None.
    """

    network: nn.Module
    config: Config
    classes: tuple[str, ...]
    temperature: float = 1.0
    n_calibration: int = 0
    no_digit: NoDigit | None = None
    epochs: int | None = None
    licence: str | None = None


class _Description(Document):
    """What a model file says of itself beside its weights."""

    format: Literal[2]
    config: dict[str, Any]
    classes: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1, max_length=_MOST_CLASSES)
    temperature: float = Field(1.0, gt=0)
    n_calibration: Count = 0
    epochs: Count | None = None
    no_digit: NoDigit | None = None
    licence: str | None = None


def save_model(model: TrainedModel, path: Path) -> None:
    """Write weights as safetensors; all else that a model is stands in the file's metadata, as JSON.

    There ``no_digit`` is null, or has the fields of ``NoDigit``.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    described = {name: value for name, value in vars(model).items() if name != "network"}
    about = _Description(**described | {"format": FORMAT, "config": model.config.model_dump(mode="json")})
    with _telling(path), atomic_path(path) as temporary:
        # Not by its save_file, which leaves files of other names when it is killed.
        temporary.write_bytes(save(tensors, {METADATA_KEY: json.dumps(about.plain())}))


def load_model(path: Path, device: torch.device) -> TrainedModel:
    """Read a model file onto a device, whichever device it was trained on.

    What a file says of itself is checked, and its weights are compared in form with the network that it describes,
    before any of them is read: a file that lies takes no memory.

    Raises DataError if the file is missing or is not a model of ours.
    """
    hint = "train one with: audiomnist train"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes, more than any network of ours has")
        with safe_open(path, framework="pt") as file:
            about = _Description.parse((file.metadata() or {})[METADATA_KEY], path, hint)
            if len(set(about.classes)) < len(about.classes):
                raise ValueError("a class is there twice")
            config = from_settings(about.config, str(path))
            with torch.device("meta"):
                expected = build_model(config, len(about.classes)).state_dict()
            _compare({name: file.get_slice(name) for name in file.keys()}, expected)  # noqa: SIM118, not a dict
            tensors = {name: file.get_tensor(name) for name in expected}
        if faults := [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]:
            raise ValueError(f"weights that are not finite: {faults[0]}")
        network = build_model(config, len(about.classes))
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError, AudiomnistError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a model file of audiomnist ({error})", hint) from error
    described = {name: value for name, value in about if name != "format"}
    return TrainedModel(network.to(device).eval(), **described | {"config": config})


def _compare(found: Mapping[str, Any], expected: Mapping[str, torch.Tensor]) -> None:
    """Raise ValueError unless weights in a file have the names, shapes and types of a network's."""
    if unlike := found.keys() ^ expected.keys():
        raise ValueError(f"{len(unlike)} weights are not those of the network that it describes, such as {min(unlike)}")
    for name, tensor in expected.items():
        shape, kind = found[name].get_shape(), found[name].get_dtype()
        if shape != list(tensor.shape) or kind != _KINDS[tensor.dtype]:
            raise ValueError(
                f"{name} is {kind} {shape}, and {_KINDS[tensor.dtype]} {list(tensor.shape)} in the network that it "
                "describes"
            )


def save_state(state: dict[str, Any], path: Path) -> None:
    """Write the resume state."""
    with _telling(path):
        torch.save(state, path)


def resume(path: Path, device: torch.device, go_on: Callable[[dict[str, Any]], None]) -> None:
    """Go on from a resume state, which ``go_on`` takes, or raises if it is not one; nothing in the file is executed.

    Raises DataError if the file is damaged, or is no resume state.
    """
    try:
        with ZipFile(path) as records:
            if any(record.compress_type != ZIP_STORED for record in records.infolist()):
                raise ValueError("it is compressed, as torch writes none")  # it could hold more than memory does
            if damaged := records.testzip():  # torch does not compare the checksums that it writes
                raise ValueError(f"{damaged} is damaged")
        go_on(torch.load(path, map_location=device, weights_only=True))
    except Exception as error:  # damage shows in any way that torch, zipfile and pickle can fail
        raise DataError(
            f"{path}: not a resume state ({first_line(error)})", "restore the file, or train again"
        ) from error


def before(path: Path) -> Path:
    """Return where the resume state before the newest is kept."""
    return path.with_stem(f"{path.stem}.before")


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what the libraries raise when they cannot write into an error that names the file."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        raise DataError(
            f"{path}: cannot be written ({error})", "check the disk and the folder's permissions"
        ) from error
