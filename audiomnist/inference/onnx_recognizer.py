"""The recogniser that ONNX Runtime computes, from one exported file; PyTorch is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiomnist.errors import ConfigError, DataError, first_line
from audiomnist.inference.metadata import Metadata
from audiomnist.inference.recognizer import Recognizer

_INPUTS = {"waveforms": ("tensor(float)", 2), "lengths": ("tensor(int64)", 1)}
_AT_ONCE = 16  # waveforms of like length, which are padded to the longest


class OnnxRecognizer(Recognizer):
    """An exported network.

    Each call uses one core: the networks are too small to share, and callers have threads of their own.

    Raises
    ------
    ConfigError
        If ONNX Runtime is not installed.
    DataError
        If the file is not one that ``export`` wrote.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError("an ONNX model needs ONNX Runtime", "pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            self.metadata = Metadata.of(self.session.get_modelmeta().custom_metadata_map)
            self.answering = self.metadata.answering
            self._require_fitting()
        except Exception as error:  # ONNX Runtime's own derive from nothing narrower
            raise DataError(
                f"{path}: not an exported model ({first_line(error)})", "make one with: audiomnist export MODEL"
            ) from error
        self.name = str(path)

    def _require_fitting(self) -> None:
        """Raise ValueError unless inputs and outputs are those that the metadata speak of."""
        takes = {one.name: (one.type, len(one.shape)) for one in self.session.get_inputs()}
        gives = {one.name: one.shape for one in self.session.get_outputs()}
        n_classes = len(self.metadata.classes)
        fewest = n_classes + bool(self.metadata.no_digit)
        if takes != _INPUTS or gives.get("logits", [])[1:] not in ([fewest], [n_classes + 1]):
            raise ValueError(f"it takes {takes} and gives {gives}, which does not fit {n_classes} classes")

    def logits(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the logits of waveforms at the model's sample rate, float32 array [n, n_outputs]."""
        lengths = np.array([len(samples) for samples in waveforms], dtype=np.int64)
        order = np.argsort(lengths, kind="stable")
        parts = []
        for start in range(0, len(order), _AT_ONCE):
            chosen = order[start : start + _AT_ONCE]
            batch = np.zeros((len(chosen), lengths[chosen[-1]]), np.float32)
            for row, number in zip(batch, chosen.tolist(), strict=True):
                row[: lengths[number]] = waveforms[number]
            parts.append(self.session.run(["logits"], {"waveforms": batch, "lengths": lengths[chosen]})[0])
        logits: NDArray[np.float32] = np.concatenate(parts)[np.argsort(order, kind="stable")]
        return logits
