"""A model as the folder that a model repository wants, or the same zipped: all that is needed to use it, and no more.

Nothing in it says who trained it where: public corpora are named, all others are "recordings of its maker's own".
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

import torch
from markupsafe import Markup

from audiomnist.config import Config
from audiomnist.errors import ConfigError
from audiomnist.files import atomic_path
from audiomnist.inference.credits import CREDITS, OWN, credit_texts
from audiomnist.inference.export import export
from audiomnist.inference.opening import is_shipped
from audiomnist.page.export import engine_of, page_of
from audiomnist.reports import sentences
from audiomnist.reports.pages import card
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import Result
from audiomnist.shipped import shipped
from audiomnist.training.checkpoint import TrainedModel, load_model, save_model

README, SUMS = "README.md", "SHA256SUMS"
_LICENCES = {"CC BY-SA 4.0": "cc-by-sa-4.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}  # the one that asks most first
_MEASURED = re.compile(r"^Accuracy ([01]\.\d+) on [\d,]+ clips", re.MULTILINE)  # in the card that ships
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name


class _Head(NamedTuple):
    """What the head of a card says: see "Model cards" in the documentation of the Hugging Face Hub."""

    name: str
    licence: str
    datasets: list[str]
    tested_on: str
    accuracy: float | None


def write_folder(source: Path, folder: Path) -> list[str]:
    """Write the files of a model into a folder, and return their names; others that are there stay.

    Beside the ``model.safetensors`` may lie its run's result.
    """
    found = contents(source)
    for name, content in found.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)
    return list(found)


def write_bundle(source: Path, path: Path) -> list[str]:
    """Write the same files as a zip, whose bytes are a function of the model and the file's name alone."""
    found, file = contents(source), io.BytesIO()
    with ZipFile(file, "w") as bundle:  # stored: weights hardly shrink, and compressors differ
        for name, content in found.items():
            entry = ZipInfo(f"{path.stem}/{name}", _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            bundle.writestr(entry, content)
    with atomic_path(path) as temporary:
        temporary.write_bytes(file.getvalue())
    return list(found)


def contents(source: Path) -> dict[str, bytes]:
    """Return the files by name: weights, ONNX, page, script, examples, card, licence, and the list of checksums."""
    model = load_model(source, torch.device("cpu"))
    found: dict[str, bytes] = {}
    if is_shipped(source):
        found["model.safetensors"] = source.read_bytes()
        found["model.onnx"] = source.with_suffix(".onnx").read_bytes()
        about = source.with_suffix(".md").read_text(encoding="utf-8").replace(source.name, "model.safetensors")
        (accuracy,) = _MEASURED.findall(about)
        head = _Head("digits", _licence_of(about), ["google/speech_commands"], "Speech Commands", float(accuracy))
    else:
        model = replace(model, config=_impersonal(model.config))
        found |= _written(model)
        result = RunFolder(source.parent).load_result() if (source.parent / "metrics.json").is_file() else None
        about, head = _about(model, result if isinstance(result, Result) else None)
    found |= _for_browsers(model)
    found["example.py"] = _text("example.py.txt")
    found["LICENSE"] = shipped("LICENSE").read_bytes()  # of page and script
    found[README] = card("hub.md.j2", head=head, about=Markup(about), names=set(found)).encode()
    found[SUMS] = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(found.items())
    ).encode()
    return dict(sorted(found.items()))


def _impersonal(config: Config) -> Config:
    """Return a configuration that says nothing of places and people."""

    def public(named: Iterable[str]) -> Iterable[str]:
        return dict.fromkeys(place if place in CREDITS else OWN for place in named)

    nothing = {"exclude_file": None, "start_from": None, "split": type(config.split)()}
    return config.with_places(public).model_copy(update=nothing)


def _written(model: TrainedModel) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        weights, onnx = Path(name, "model.safetensors"), Path(name, "model.onnx")
        save_model(model, weights)
        export(model, onnx, "onnx")
        return {file.name: file.read_bytes() for file in (weights, onnx)}


def _for_browsers(model: TrainedModel) -> dict[str, bytes]:
    """Return page, script and its example; nothing for a network that they cannot compute."""
    try:
        page, engine = page_of(model), engine_of(model)
    except ConfigError:
        return {}
    return {"index.html": page.encode(), "model.js": engine.encode(), "example.html": _text("example.html")}


def _about(model: TrainedModel, result: Result | None) -> tuple[str, _Head]:
    """Return what is said of a model that was trained here, and the head of its card."""
    config = model.config
    trained_on = config.places
    about = card(
        "hub_model.md.j2",
        config=config,
        model=model,
        n_parameters=sum(parameter.numel() for parameter in model.network.parameters()),
        credits=credit_texts(config),
        result=result,
        sentences=sentences,
    )
    licence = "unknown" if OWN in trained_on else _licence_of(about)
    datasets = [CREDITS[place].dataset for place in trained_on if place in CREDITS and CREDITS[place].dataset]
    return about, _Head(config.version, licence, datasets, config.data, result.accuracy if result else None)


def _licence_of(about: str) -> str:
    return next((identity for text, identity in _LICENCES.items() if text in about), "unknown")


def _text(name: str) -> bytes:
    return files("audiomnist.reports").joinpath("templates", name).read_bytes()
