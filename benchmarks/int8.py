"""What int8 would bring to the model that ships: python benchmarks/int8.py --speech-commands FOLDER

Its network, without the front end, in static QDQ of ONNX Runtime (activations uint8, weights int8 per channel),
calibrated on training clips; tested on the test part of Speech Commands beside PyTorch and ONNX in float32.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quant_pre_process, quantize_static
from rich.console import Console
from rich.table import Table

from audiomnist.audio import read, resample
from audiomnist.corpus import scan
from audiomnist.inference.onnx_recognizer import OnnxRecognizer
from audiomnist.inference.opening import open_model, weights_file
from audiomnist.inference.recognizer import Recognizer
from audiomnist.inference.torch_recognizer import TorchRecognizer

N_CALIBRATING, N_ALONE, N_TOGETHER, ROUNDS = 100, 20, 64, 6


class Waveforms(CalibrationDataReader):
    """Clips one by one, as the calibration asks for them."""

    def __init__(self, waveforms: Iterator[NDArray[np.float32]]) -> None:
        self._waveforms = waveforms

    def get_next(self) -> dict[str, NDArray] | None:
        samples = next(self._waveforms, None)
        return None if samples is None else {"waveforms": samples[None], "lengths": np.array([len(samples)])}


def quantize(source: Path, to: Path, calibrating: Iterator[NDArray[np.float32]]) -> None:
    """Write the int8 form of an export: its two-dimensional convolutions and its last layer."""
    quant_pre_process(source, to, skip_symbolic_shape=True)
    model = onnx.load(to)
    n_axes = {weights.name: len(weights.dims) for weights in model.graph.initializer}
    network = [
        node.name
        for node in model.graph.node
        if node.op_type == "Gemm" or (node.op_type == "Conv" and n_axes[node.input[1]] == 4)
    ]
    kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8, "per_channel": True}
    quantize_static(to, to, Waveforms(calibrating), nodes_to_quantize=network, **kinds)


def milliseconds(recognizer: Recognizer, waveforms: list[NDArray[np.float32]], at_once: int) -> float:
    """Return what a clip costs of the processor."""
    started = time.process_time()
    for start in range(0, len(waveforms), at_once):
        recognizer.logits(waveforms[start : start + at_once])
    return 1e3 * (time.process_time() - started) / len(waveforms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech-commands", type=Path, default=Path("data/speech_commands"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpus, shipped = scan(options.speech_commands / "digits.csv"), open_model()
    parts = {part: np.flatnonzero(corpus.columns["split"] == part) for part in ("train", "test")}

    def waveform(clip: int) -> NDArray[np.float32]:
        return np.asarray(resample(*read(corpus.file(clip)), shipped.answering.sample_rate))

    waveforms, digits = [waveform(clip) for clip in parts["test"].tolist()], corpus.digits[parts["test"]]
    calibrating = np.random.default_rng(0).choice(parts["train"], N_CALIBRATING, replace=False)
    with tempfile.TemporaryDirectory() as folder:
        int8 = Path(folder, "int8.onnx")
        quantize(Path(shipped.name), int8, map(waveform, calibrating.tolist()))
        weights = weights_file("digits")
        files = {"PyTorch": weights, "ONNX": Path(shipped.name), "ONNX, int8": int8}
        recognizers = {
            "PyTorch": TorchRecognizer.load(weights, torch.device("cpu")),
            **{name: OnnxRecognizer(path) for name, path in list(files.items())[1:]},
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in recognizers}
        for _ in range(ROUNDS):
            for name, recognizer in recognizers.items():
                alone = milliseconds(recognizer, waveforms[:N_ALONE], 1)
                times[name].append((alone, milliseconds(recognizer, waveforms[:N_TOGETHER], N_TOGETHER)))
        table = Table("", "largest difference", "other digits", "accuracy", "MB", "ms alone", f"ms in {N_TOGETHER}")
        expected = None
        for name, recognizer in recognizers.items():
            found = recognizer.answering.probabilities(recognizer.logits(waveforms))
            expected = found if expected is None else expected
            table.add_row(
                name,
                f"{np.abs(found - expected).max():.2g}",
                str((found.argmax(1) != expected.argmax(1)).sum()),
                f"{(found.argmax(1) == digits).mean():.4f}",
                f"{files[name].stat().st_size / 1e6:.2f}",
                *(f"{median(of_rounds):.2f}" for of_rounds in zip(*times[name], strict=True)),
            )
    Console().print(table, f"{len(waveforms)} clips; milliseconds of one processor")


if __name__ == "__main__":
    main()
