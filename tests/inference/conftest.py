"""A small trained network in every form that a model has."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from audiomnist.inference.torch_recognizer import TorchRecognizer
from tests.cli.command import succeeds
from tests.cli.conftest import Trained, learned
from tests.conftest import Once

__all__ = ["learned"]


@dataclass(frozen=True)
class Models:
    """One network as its run folder and as an exported file, and the corpus it was trained on; to be read only.

    ``printed`` is what the export told.
    """

    corpus: Path
    run: Path
    printed: str

    @property
    def onnx(self) -> Path:
        return self.run / "model.onnx"

    @property
    def recognizer(self) -> TorchRecognizer:
        return TorchRecognizer.load(self.run / "model.safetensors", torch.device("cpu"))


@pytest.fixture(scope="session")
def models(learned: Trained, once: Once) -> Models:
    def make(folder: Path) -> None:
        printed = succeeds("export", learned.copy(folder / "run")).stdout
        (folder / "printed.txt").write_text(printed)

    folder = once("models", make)
    return Models(learned.corpus, folder / "run", (folder / "printed.txt").read_text())
