"""The wheel alone is the program: it is built, installed to a folder, and used far from the source tree."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import SMALL

pytest.importorskip("hatchling")
SOURCE = Path(__file__).parents[1]
Run = Callable[..., str]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=SOURCE, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


@pytest.fixture
def run(installed: Path, home: Path, tmp_path: Path) -> Run:
    """Start the installed command, or other words with ``python=True``, and return what it prints."""

    def run(*words: object, python: bool = False) -> str:
        program = [sys.executable] if python else [sys.executable, str(installed / "bin" / "audiomnist")]
        environment = os.environ | {"PYTHONPATH": str(installed)}
        done = subprocess.run(
            [*program, *map(str, words)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_every_file_of_the_package_is_in_the_wheel(installed: Path) -> None:
    def files(folder: Path) -> set[Path]:
        return {path.relative_to(folder) for path in folder.rglob("*.*") if "__pycache__" not in path.parts}

    assert files(installed / "audiomnist") >= files(SOURCE / "audiomnist")
    assert files(installed / "audiomnist" / "configs") == files(SOURCE / "configs")


@pytest.mark.slow
def test_a_model_is_trained_and_used_without_the_source_tree(run: Run, installed: Path, small_corpus: Path) -> None:
    place = run("-c", "import audiomnist; print(audiomnist.__file__)", python=True).strip()
    assert place == str(installed / "audiomnist" / "__init__.py")
    clip = small_corpus / "7_george_0.wav"
    trained = json.loads(run("train", "--version", "v4", "--data", small_corpus, *SMALL, "--run", "mine", "--json"))
    assert trained["n_test"] > 0
    for words in (
        ("analyze", "--data", small_corpus, "--out", "analysis"),
        ("report", "mine"),
        ("export", "mine", "--format", "html", "--out", "page.html"),
        ("explain", "mine", clip, "--out", "explained"),
    ):
        assert run(*words)
    assert [answer["path"] for answer in json.loads(run("predict", clip, "--json"))] == [str(clip)]
