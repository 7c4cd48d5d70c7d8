"""From a WAV file to its digit with PyTorch and with ONNX Runtime: one by one, many, and the command from its start."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from audiomnist.audio import read, resample
from audiomnist.corpus import Corpus
from audiomnist.features.mel import ClipFrames, MelPower
from audiomnist.features.store import ClipStore
from audiomnist.inference.export import export
from audiomnist.inference.onnx_recognizer import OnnxRecognizer
from audiomnist.inference.recognizer import Recognizer
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.training.checkpoint import save_model
from audiomnist.training.trainer import TEST_BATCH
from suite.learning import Learner
from suite.measuring import CPU, Figure, interleaved, paired_rates, run_child, spread

ONE_BY_ONE = 200
IN_BATCHES = 2048


def predicting_figures(version: str, learner: Learner, corpus: Corpus, jobs: int | None) -> list[Figure]:
    """Time the way from file to digit against the network alone, and the command against ``import torch``."""
    with _models(learner) as (weights, onnx):
        recognizers = {"torch": TorchRecognizer.load(weights, CPU), "ONNX": OnnxRecognizer(onnx)}
        figures = []
        for name, recognizer in recognizers.items():
            figures += [
                _one_by_one(f"{version}, {name}", recognizer, learner, corpus),
                _in_batches(f"{version}, {name}", recognizer, learner, corpus, jobs),
            ]
        return [*figures, *_from_the_start(version, weights, onnx, corpus)]


@contextmanager
def _models(learner: Learner) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        weights, onnx = Path(folder, "model.safetensors"), Path(folder, "model.onnx")
        save_model(learner.trainer.trained, weights)
        export(learner.trainer.trained, onnx, "onnx")
        yield weights, onnx


def _inputs(learner: Learner, files: list[Path]) -> torch.Tensor:
    """Return what the network sees of recordings, Tensor[n_files, C, N, M]."""
    features = learner.config.features
    waveforms = [resample(*read(file), features.sample_rate) for file in files]
    store = ClipStore.in_memory(features, ClipFrames.of(waveforms, MelPower(features)))
    recognizer = TorchRecognizer(learner.trainer.trained, CPU)
    return torch.from_numpy(recognizer.inputs(store, np.arange(len(files))))


def _one_by_one(name: str, recognizer: Recognizer, learner: Learner, corpus: Corpus) -> Figure:
    files = [corpus.file(clip) for clip in spread(len(corpus), ONE_BY_ONE)]
    ready, network = _inputs(learner, files[:1]), learner.trainer.network.eval()

    def file_by_file() -> None:
        for file in files:
            recognizer(file)

    @torch.inference_mode()
    def network_alone() -> None:
        for _ in files:
            network(ready).argmax(1)

    rate, limit = paired_rates(len(files), file_by_file, network_alone)
    return Figure(f"one file to its digit, {name}", 1000 / rate, "ms", "bare network, one clip", 1000 / limit)


def _in_batches(name: str, recognizer: Recognizer, learner: Learner, corpus: Corpus, jobs: int | None) -> Figure:
    files = [corpus.file(clip) for clip in spread(len(corpus), IN_BATCHES)]
    ready, network = _inputs(learner, files[:TEST_BATCH]), learner.trainer.network.eval()

    def all_files() -> None:
        with recognizer.single_threaded():
            list(recognizer.stream(files, jobs=jobs))

    @torch.inference_mode()
    def network_alone() -> None:
        for start in range(0, len(files), TEST_BATCH):
            network(ready[: len(files) - start]).argmax(1)

    rate, limit = paired_rates(len(files), all_files, network_alone)
    return Figure(f"files to digits, {name}", rate, "clips/s", f"bare network, batch {TEST_BATCH}", limit)


def _from_the_start(version: str, weights: Path, onnx: Path, corpus: Corpus) -> list[Figure]:
    """Time ``predict`` of one file in a process of its own."""
    file = str(corpus.file(0))

    def predict(model: Path) -> None:
        run_child("-m", "audiomnist", "predict", file, "--model", str(model))

    seconds = interleaved(
        {
            "torch": lambda: predict(weights),
            "ONNX": lambda: predict(onnx),
            "import torch": lambda: run_child("-c", "import torch"),
            "import onnxruntime": lambda: run_child("-c", "import onnxruntime"),
        }
    )
    return [
        Figure(f"predict one file, {version}, torch", seconds["torch"], "s", "import torch", seconds["import torch"]),
        Figure(
            f"predict one file, {version}, ONNX",
            seconds["ONNX"],
            "s",
            "import onnxruntime",
            seconds["import onnxruntime"],
        ),
    ]
