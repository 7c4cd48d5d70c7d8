"""A small trained network in every form that a model has."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from audiomnist.inference.export import export
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.training.checkpoint import load_model
from tests.cli.command import SMALL, succeeds
from tests.conftest import Once


@dataclass(frozen=True)
class Models:
    """One network as its run folder and as an exported file, and the corpus it was trained on."""

    corpus: Path
    run: Path
    onnx: Path

    @property
    def recognizer(self) -> TorchRecognizer:
        return TorchRecognizer.load(self.run / "model.safetensors", torch.device("cpu"))


@pytest.fixture(scope="session")
def models(small_corpus: Path, once: Once) -> Models:
    def make(folder: Path) -> None:
        settings = (*SMALL, "--set", "optim.epochs=8", "--set", "optim.lr=0.02")
        succeeds("train", "--version", "v2", "--data", small_corpus, *settings, "--run", folder / "run", "--quiet")
        model = load_model(folder / "run" / "model.safetensors", torch.device("cpu"))
        export(model, folder / "model.onnx", "onnx")

    folder = once("models", make)
    return Models(small_corpus, folder / "run", folder / "model.onnx")
