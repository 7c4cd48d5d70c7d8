"""Finding the model that a user names."""

from __future__ import annotations

from pathlib import Path

from audiomnist.errors import DataError
from audiomnist.inference.recognizer import Recognizer

SHIPPED = "digits"
_MODELS = Path(__file__).parent.parent / "models"


def open_model(model: str | Path = SHIPPED, device: str = "auto") -> Recognizer:
    """Return the recogniser of a run folder, a ``model.safetensors``, an ``.onnx`` of ``export``, or ``digits``.

    Raises DataError if there is no such model, or it is broken.
    """
    path = _file_of(model, (".onnx", ".safetensors") if device in {"auto", "cpu"} else (".safetensors",))
    if path.suffix == ".onnx":
        from audiomnist.inference.onnx_recognizer import OnnxRecognizer

        return OnnxRecognizer(path)
    from audiomnist.device import select_device
    from audiomnist.inference.torch_recognizer import TorchRecognizer

    return TorchRecognizer.load(path, select_device(device))


def weights_file(model: str | Path) -> Path:
    """Return the ``model.safetensors`` of a model, which is what can be exported.

    Raises DataError if there is none.
    """
    path = _file_of(model, (".safetensors",))
    if path.suffix == ".onnx":
        raise DataError(f"{path} is an export already", "name the run or the model.safetensors that it was made from")
    return path


def means_shipped(model: str | Path) -> bool:
    """Return whether a model is named ``digits``, and there is no run in a folder of that name here."""
    return str(model) == SHIPPED and not (Path(model) / "config.yaml").is_file()


def is_shipped(file: Path) -> bool:
    """Return whether a file is the model that comes with the program; its card and its ONNX lie beside it."""
    return file.parent == _MODELS


def _file_of(model: str | Path, forms: tuple[str, ...]) -> Path:
    path = Path(model)
    if means_shipped(model):
        found = [shipped for form in forms if (shipped := _MODELS / f"{SHIPPED}{form}").is_file()]
        return found[0] if found else _newest()
    if path.is_dir():
        from audiomnist.runs.folder import RunFolder

        return RunFolder.open(path).require_model()
    if not path.is_file():
        raise DataError(f"there is no model at {path}", "name a run folder, a model.safetensors, an .onnx, or 'digits'")
    return path


def _newest() -> Path:
    """Return the model of the newest run, which stands in where no model came with the program."""
    from audiomnist.runs.folder import RunFolder

    try:
        return RunFolder.newest().require_model()
    except DataError as error:
        raise DataError(f"this installation has no built-in model, and {error.message}", error.hint) from error
