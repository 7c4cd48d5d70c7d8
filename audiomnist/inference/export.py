"""Writing a trained network as one file for other programs, and checking that it says the same there."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from audiomnist import __version__
from audiomnist.errors import AudiomnistError, ConfigError
from audiomnist.files import atomic_path
from audiomnist.inference.credits import licence
from audiomnist.inference.deployed import Deployed
from audiomnist.inference.metadata import Metadata
from audiomnist.inference.onnx_recognizer import OnnxRecognizer
from audiomnist.inference.recognizer import Recognizer
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.training.checkpoint import TrainedModel

Format = Literal["onnx", "torch"]
MOST_DIFFERENCE = 1e-4
_OPSET = 18
_NAMES = ("probabilities", "score", "logits")
_METADATA_FILE = "metadata.json"
_DYNAMIC = torch.export.Dim.DYNAMIC


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes
    ----------
    n_bytes : int
    n_checked : int
        Waveforms that it was tried on.
    largest_difference : float
        In probability, to PyTorch.
    """

    path: Path
    n_bytes: int
    n_checked: int
    largest_difference: float


def export(model: TrainedModel, path: Path, to: Format) -> Exported:
    """Write a network with its front end, and compare it with PyTorch on waveforms of all kinds.

    Raises
    ------
    ConfigError
        If what writes or runs ONNX is not installed.
    AudiomnistError
        If the file answers differently; it is not kept.
    """
    deployed = Deployed(model).eval()
    metadata = describe(model)
    waveforms = trial_waveforms(metadata.sample_rate)
    with atomic_path(path) as temporary:
        answering: Recognizer
        if to == "onnx":
            _write_onnx(deployed, metadata, temporary)
            answering = OnnxRecognizer(temporary)
        else:
            _write_program(deployed, metadata, temporary)
            answering = ProgramRecognizer(temporary)
        difference = _largest_difference(TorchRecognizer(model, torch.device("cpu")), answering, waveforms)
        if not difference <= MOST_DIFFERENCE:
            raise AudiomnistError(
                f"the exported network differs from PyTorch's by {difference:.2g} in probability, "
                f"and {MOST_DIFFERENCE:g} is allowed",
                "report this with the versions of torch, onnx and onnxruntime",
            )
    return Exported(path, path.stat().st_size, len(waveforms), difference)


def describe(model: TrainedModel) -> Metadata:
    """Return what an exported file says of itself."""
    config = model.config
    assert config.window.clip_ms != "auto"  # made definite by training
    return Metadata(
        classes=model.classes,
        sample_rate=config.features.sample_rate,
        window_ms=config.window.clip_ms,
        temperature=model.temperature,
        no_digit=model.no_digit,
        version=config.version,
        licence=licence(model),
        weights_sha256=weights_sha256(model),
        audiomnist=__version__,
    )


def weights_sha256(model: TrainedModel) -> str:
    """Return the SHA-256 of the names and values of a network's tensors, in the order of the names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.network.state_dict().items()):
        digest.update(name.encode() + b"\0" + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def trial_waveforms(sample_rate: int) -> list[NDArray[np.float32]]:
    """Return sounds of many pitches, lengths and levels, then silence, full scale, DC, one sample, and a long one."""
    random = np.random.default_rng(0)

    def sound(seconds: float) -> NDArray[np.float32]:
        times = np.arange(int(seconds * sample_rate)) / sample_rate
        pitch = random.uniform(80, 250) * np.exp(random.uniform(-0.3, 0.3) * times / seconds)
        voice = sum(np.sin(2 * np.pi * np.cumsum(pitch) * k / sample_rate) / k for k in range(1, 12))
        breath = random.normal(size=len(times)) * random.uniform(0.01, 1)
        shape = np.hanning(len(times)) ** random.uniform(0.2, 2)
        mixed = (voice + breath) * shape
        samples: NDArray[np.float32] = (mixed * random.uniform(0.01, 1) / np.abs(mixed).max()).astype(np.float32)
        return samples

    square = np.sign(np.sin(np.arange(sample_rate) * 0.05)).astype(np.float32)
    special = [np.zeros(sample_rate // 2), square, np.ones(sample_rate // 2), np.ones(1)]
    return [
        *(sound(random.uniform(0.15, 1.2)) for _ in range(40)),
        *(samples.astype(np.float32) for samples in special),
        sound(10),
    ]


class ProgramRecognizer(Recognizer):
    """The recogniser of a ``torch.export`` program, as another program would load it."""

    def __init__(self, path: Path) -> None:
        files = {_METADATA_FILE: ""}
        self._program = torch.export.load(path, extra_files=files).module()
        metadata = Metadata.of(json.loads(files[_METADATA_FILE]))
        self.answering = metadata.answering
        self.name = str(path)

    def logits(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the logits of waveforms at the model's sample rate, float32 array [n, n_outputs]."""
        with torch.inference_mode():
            rows = [
                self._program(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))[2] for samples in waveforms
            ]
        logits: NDArray[np.float32] = torch.cat(rows).numpy()
        return logits


def _write_onnx(deployed: Deployed, metadata: Metadata, path: Path) -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"writing ONNX needs the package {error.name}", "pip install 'audiomnist[export]'") from error
    with _without_remarks():
        program: Any = torch.onnx.export(
            deployed,
            _example(metadata),
            dynamo=True,
            opset_version=_OPSET,
            input_names=["waveforms", "lengths"],
            output_names=list(_NAMES),
            dynamic_shapes=_shapes(),
            external_data=False,
            verbose=False,
        )
    _forget_source(program.model.graph)
    program.model.metadata_props.update(metadata.as_strings())
    program.model.producer_name, program.model.producer_version = "audiomnist", __version__
    program.save(path, external_data=False)


def _forget_source(graph: Any) -> None:
    """Remove what the exporter notes of every node: paths on this computer, and lines of source."""
    values = [*graph.inputs, *graph.initializers.values(), *(value for node in graph for value in node.outputs)]
    for part in (graph, *graph, *values):
        part.metadata_props.clear()


def _write_program(deployed: Deployed, metadata: Metadata, path: Path) -> None:
    program = torch.export.export(deployed, _example(metadata), dynamic_shapes=_shapes())
    with _without_remarks():
        torch.export.save(program, path, extra_files={_METADATA_FILE: json.dumps(metadata.as_strings())})


def _example(metadata: Metadata) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two waveforms: a batch of one would fix the batch."""
    length = metadata.sample_rate
    return torch.zeros(2, length), torch.tensor([length, length // 2])


def _shapes() -> dict[str, dict[int, Any]]:
    return {"waveforms": {0: _DYNAMIC, 1: _DYNAMIC}, "lengths": {0: _DYNAMIC}}


def _largest_difference(ours: Recognizer, other: Recognizer, waveforms: Sequence[NDArray[np.float32]]) -> float:
    """Return the largest difference in probability, infinite if an answer is another one."""
    expected, found = (which.answering.probabilities(which.logits(waveforms)) for which in (ours, other))
    if (expected.argmax(1) != found.argmax(1)).any():
        return float("inf")
    return float(np.abs(expected - found).max())


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep the exporters from telling what is not installed, or will change in PyTorch."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
