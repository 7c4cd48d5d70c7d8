"""Model files of strangers: what does not fit is refused with the reason, by a child process without spare memory."""

import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto
from safetensors.torch import load_file, save_file

from audiomnist.config import load
from audiomnist.inference.opening import SHIPPED, open_model
from audiomnist.shipped import version_path
from audiomnist.training.checkpoint import METADATA_KEY, TrainedModel, save_model
from audiomnist.training.models import build_model

READER = """
import json, resource, sys
from pathlib import Path
import torch
from audiomnist.errors import AudiomnistError, DataError
from audiomnist.experiments.settings import resolve
from audiomnist.inference.onnx_recognizer import OnnxRecognizer
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.training.checkpoint import resume
import onnxruntime

CPU = torch.device("cpu")
READERS = {
    ".safetensors": [lambda path: TorchRecognizer.load(path, CPU), lambda path: resolve(start=str(path))],
    ".onnx": [OnnxRecognizer],
    ".pt": [lambda path: resume(path, CPU, dict.keys)],
}
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 150_000_000,) * 2)
for path in sorted(Path(sys.argv[1]).iterdir()):
    for read in READERS[path.suffix]:
        try:
            read(path)
            answer = "taken"
        except DataError as error:
            answer = error.message
        print(json.dumps([path.name, answer]), flush=True)
"""
CONFIG = load(version_path("v2"))
LARGE = {"sample_rate": 192_000, "n_fft": 512, "hop_length": 16, "n_mels": 512}
# what is changed in the description of a model: a group or a key, its value, and what is said
LIES: dict[str, tuple[dict[str, Any], str]] = {
    "format": ({"format": 99}, "format: Input should be 2"),
    "no classes": ({"classes": []}, "classes"),
    "other classes": ({"classes": ["yes", "no"]}, "classifier.weight is F32 [10, 64], and F32 [2, 64]"),
    "classes twice": ({"classes": ["1"] * 10}, "a class is there twice"),
    "classes of numbers": ({"classes": list(range(10))}, "classes.0: Input should be a valid string"),
    "too many classes": ({"classes": [str(number) for number in range(70_000)]}, "at most 65536 items"),
    "temperature of 0": ({"temperature": 0}, "temperature: Input should be greater than 0"),
    "temperature of NaN": ({"temperature": float("nan")}, "temperature"),
    "threshold of NaN": (
        {"no_digit": {"method": "class", "threshold": float("nan"), "misses": 0, "n_fitted": 0}},
        "no_digit.threshold: Input should be a finite number",
    ),
    "method unknown": (
        {"no_digit": {"method": "energy", "threshold": 0, "misses": 0, "n_fitted": 0}},
        "no_digit.method: Input should be 'class'",
    ),
    "epochs below 0": ({"epochs": -1}, "epochs: Input should be greater than or equal to 0"),
    "settings that are none": ({"config": [1, 2]}, "config: Input should be an object"),
    "unknown field": ({"config": {"quantum": True}}, "quantum: no such setting"),
    "unknown architecture": ({"config": {"model": {"name": "transformer"}}}, "model.name: input should be 'cnn4'"),
    "a billion parameters": ({"config": {"model": {"widths": [16_384] * 6}}}, "less than or equal to 1024"),
    "wider than its weights": (
        {"config": {"model": {"widths": [1024] * 6, "name": "resnet"}}},
        "weights are not those",
    ),
    "a thousand channels": ({"config": {"window": {"channels": 1000}}}, "less than or equal to 8"),
    "a window of hours": ({"config": {"window": {"clip_ms": 7_200_000}}}, "auto, or a whole number from 50 to 60,000"),
    "a window of a gigabyte": (
        {"config": {"features": LARGE, "window": {"clip_ms": 60_000}}},
        "at most 1,048,576 values",
    ),
    "windows one sample apart": ({"config": {"features": LARGE | {"n_fft": 16_384}}}, "is less than n_fft 16384 / 32"),
    "another rate": ({"config": {"features": {"sample_rate": 10**9}}}, "less than or equal to 192000"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "model.safetensors"
    save_model(TrainedModel(build_model(CONFIG, 10).eval(), CONFIG, tuple("0123456789")), path)
    return path


@pytest.fixture(scope="module")
def refusals(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each file, by its name."""
    folder = tmp_path_factory.mktemp("hostile")
    write_safetensors(whole, folder)
    write_states(folder)
    write_onnx(folder)
    ran = subprocess.run(
        [sys.executable, "-c", READER, str(folder)], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    answers: dict[str, str] = {}
    for name, answer in map(json.loads, ran.stdout.splitlines()):
        assert answers.setdefault(name, answer) == answer
    assert answers.keys() == {path.name for path in folder.iterdir()}
    return answers


def write_safetensors(whole: Path, folder: Path) -> None:
    weights = load_file(whole)
    raw = whole.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    description = json.loads(header["__metadata__"][METADATA_KEY])

    def write(name: str, changed: dict[str, torch.Tensor] | None = None, text: str | None = None) -> None:
        about = json.dumps(description) if text is None else text
        save_file(weights if changed is None else changed, folder / f"{name}.safetensors", {METADATA_KEY: about})

    for name, (lie, _) in LIES.items():
        changed = description | lie
        if isinstance(lie.get("config"), dict):
            settings = {
                key: description["config"].get(key, {}) | value if isinstance(value, dict) else value
                for key, value in lie["config"].items()
            }
            changed["config"] = description["config"] | settings
        write(name, text=json.dumps(changed))
    first = "classifier.weight"
    write("nan", weights | {first: weights[first] * float("nan")})
    write("shape", weights | {first: weights[first][:, :1].contiguous()})
    write("type", weights | {first: weights[first].double()})
    write("missing", {name: tensor for name, tensor in weights.items() if name != first})
    write("more", weights | {"more": torch.zeros(1)})
    write("no JSON", text="{")
    write("nested", text="[" * 100_000)
    save_file(weights, folder / "no description.safetensors")
    (folder / "header of an exabyte.safetensors").write_bytes(struct.pack("<Q", 2**60) + raw[8:])
    (folder / "cut.safetensors").write_bytes(raw[:-100])
    header[first] = {"dtype": "F32", "shape": [2**31], "data_offsets": [0, 2**33]}
    sparse = json.dumps({first: header[first], "__metadata__": header["__metadata__"]}).encode()
    with (folder / "eight gigabytes.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(sparse)) + sparse)
        file.truncate(8 + len(sparse) + 2**33)


def write_states(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bomb.pt", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as records:
        records.writestr("state/data/0", bytes(200_000_000))
    torch.save({"model": print}, folder / "code.pt")


def write_onnx(folder: Path) -> None:
    shipped = onnx.load(open_model(SHIPPED).name)

    def write(name: str, change: Callable[[onnx.ModelProto], None]) -> None:
        model = onnx.ModelProto()
        model.CopyFrom(shipped)
        change(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())

    def says(name: str, value: str | None) -> Callable[[onnx.ModelProto], None]:
        def change(model: onnx.ModelProto) -> None:
            (entry,) = (entry for entry in model.metadata_props if entry.key == name)
            if value is None:
                model.metadata_props.remove(entry)
            else:
                entry.value = value

        return change

    def elsewhere(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "../../../../../../etc/passwd"), ("offset", "0"), ("length", "100")):
            tensor.external_data.add(key=key, value=value)

    write("terabytes", lambda model: model.graph.initializer[0].dims.__setitem__(slice(None), [2**40]))
    write("elsewhere", elsewhere)
    for name, value in (
        ("classes", '["yes", "no"]'),
        ("classes", None),
        ("sample_rate", str(10**9)),
        ("temperature", "NaN"),
        ("no_digit", '{"method": "class", "threshold": Infinity, "misses": 0, "n_fitted": 0}'),
        ("version", "{"),
    ):
        write(f"{name} {value}".replace("/", ""), says(name, value))
    (folder / "no model.onnx").write_bytes(b"\x08\x07")


@pytest.mark.parametrize("name", LIES)
def test_a_description_that_lies_is_refused(refusals: dict[str, str], name: str) -> None:
    assert LIES[name][1] in refusals[f"{name}.safetensors"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nan", "weights that are not finite"),
        ("shape", "in the network that it describes"),
        ("type", "is F64"),
        ("missing", "1 weights are not those of the network"),
        ("more", "such as more"),
        ("eight gigabytes", "more than any network of ours has"),
        ("header of an exabyte", "eader"),
        ("no description", "'audiomnist'"),
    ],
)
def test_weights_that_do_not_fit_are_refused(refusals: dict[str, str], name: str, reason: str) -> None:
    assert reason in refusals[f"{name}.safetensors"]


def test_nothing_hostile_is_taken_and_each_is_named(refusals: dict[str, str]) -> None:
    assert len(refusals) > 40
    for name, answer in refusals.items():
        assert name in answer
        assert len(answer) < 1000


def test_what_is_whole_is_taken(whole: Path) -> None:
    assert open_model(whole).answering.classes == tuple("0123456789")
