"""Using a model where PyTorch is not installed.

``make test-runtime`` names the Python of a fresh environment in AUDIOMNIST_RUNTIME; otherwise this one is used, and
what that environment lacks cannot be imported.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inference.conftest import Models

ABSENT = ("torch", "torchaudio", "safetensors", "sklearn", "scipy", "matplotlib", "yaml", "jinja2", "onnx")
BLOCK = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    fresh = os.environ.get("AUDIOMNIST_RUNTIME")
    (tmp_path / "sitecustomize.py").write_text("" if fresh else BLOCK)
    checkout = str(Path(__file__).parents[2])
    places = [str(tmp_path)] if fresh else [str(tmp_path), checkout]

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
        command = [fresh or sys.executable, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)

    return run


def test_there_is_no_torch(run: Run) -> None:
    for name in ("torch", "torchaudio"):
        assert f"No module named '{name}'" in run("-c", f"import {name}").stderr


def test_predict_answers(run: Run, models: Models) -> None:
    done = run("-m", "audiomnist", "predict", models.corpus, "--model", models.onnx, "--json", "--csv", "table.csv")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = models.recognizer([one["path"] for one in found])
    assert [one["digit"] for one in found] == [answer.digit for answer in expected]
    assert [one["probability"] for one in found] == pytest.approx([one.probability for one in expected], abs=1e-4)


def test_the_shipped_model_answers(run: Run, models: Models) -> None:
    done = run("-m", "audiomnist", "predict", models.corpus / "7_george_0.wav")
    assert done.returncode == 0, done.stderr
    assert "digits.onnx" in done.stderr


def test_sequences_are_found(run: Run, models: Models) -> None:
    file = models.corpus / "7_george_0.wav"
    done = run("-m", "audiomnist", "predict", "--segment", file, "--model", models.onnx, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["digits"] == "7"


def test_python_answers(run: Run, models: Models) -> None:
    code = (
        "import audiomnist, numpy as np;"
        f"recognizer = audiomnist.load({str(models.onnx)!r});"
        f"print(recognizer({str(models.corpus / '7_george_0.wav')!r}).digit);"
        "print(recognizer(np.ones(8000), sample_rate=8000).seconds)"
    )
    done = run("-c", code)
    assert done.stdout.split() == ["7", "1.0"], done.stderr


@pytest.mark.parametrize("words", [("train",), ("export",), ("evaluate",), ("predict", "x.wav", "--model", "x")])
def test_what_needs_torch_says_so(run: Run, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    (tmp_path / "x.wav").write_bytes(b"")
    done = run("-m", "audiomnist", *words)
    assert done.returncode == 4, done
    assert "pip install audiomnist" in done.stderr
    assert "Traceback" not in done.stderr
