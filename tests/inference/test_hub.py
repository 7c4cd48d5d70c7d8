"""A model as a folder or a zip to hand on."""

import getpass
import hashlib
import re
import socket
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import huggingface_hub
import pytest
import soundfile

from audiomnist.audio import read
from audiomnist.inference.opening import weights_file
from tests.cli.command import refused, succeeds
from tests.inference.conftest import Models

FILES = {
    *("LICENSE", "README.md", "SHA256SUMS", "example.html", "example.py"),
    *("index.html", "model.js", "model.onnx", "model.safetensors"),
}


@pytest.fixture(scope="module")
def folder(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "hub"
    names = succeeds("export", models.run, "--format", "hub", "--out", path, "--json").json["files"]
    assert set(names) == FILES
    return path


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model that comes with the program, in a repository that has a file of its own."""
    path = tmp_path_factory.mktemp("repository")
    (path / ".gitattributes").write_text("*.onnx filter=lfs\n", encoding="utf-8")
    succeeds("export", "digits", "--format", "hub", "--out", path)
    return path


def test_the_list_of_checksums_is_that_of_the_files(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    assert set(listed) == FILES - {"SHA256SUMS"} == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert listed == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}


def test_the_model_answers_as_the_run(folder: Path, models: Models) -> None:
    clip = sorted(models.corpus.glob("7_*.wav"))[0]
    expected = models.recognizer(clip)
    for form in ("model.safetensors", "model.onnx"):
        (answer,) = succeeds("predict", clip, "--model", folder / form, "--json").json
        assert answer["digit"] == expected.digit
        assert answer["probability"] == pytest.approx(expected.probability, abs=1e-4)
    example = [sys.executable, folder / "example.py", clip]
    printed = subprocess.run(example, capture_output=True, text=True, check=True).stdout
    assert printed == f"{expected.digit} {expected.probability:.3f}\n"


def test_the_example_says_what_it_cannot_read(folder: Path, tmp_path: Path, models: Models) -> None:
    samples, _ = read(sorted(models.corpus.glob("7_*.wav"))[0])
    soundfile.write(tmp_path / "other.wav", samples, 44_100)
    failed = subprocess.run(
        [sys.executable, folder / "example.py", tmp_path / "other.wav"], capture_output=True, text=True
    )
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "8000 Hz" in failed.stderr


def test_nothing_says_who_made_it_where(folder: Path, models: Models) -> None:
    clips = [path.stem for path in models.corpus.iterdir()]
    speakers = {stem.split("_")[1] for stem in clips}
    private = {str(models.corpus), str(Path.home()), str(Path.cwd()), *clips, *speakers}
    private |= {name for name in (getpass.getuser(), socket.gethostname()) if len(name) > 4}
    for path in folder.iterdir():
        content = path.read_bytes()
        found = [word for word in private if re.search(rb"(?<!\w)" + re.escape(word.encode()) + rb"(?!\w)", content)]
        assert not found, path


def test_the_card_has_what_a_model_repository_reads(folder: Path, models: Models) -> None:
    card = huggingface_hub.ModelCard.load(folder / "README.md")
    about = card.data.to_dict()
    assert (about["library_name"], about["pipeline_tag"]) == ("audiomnist", "audio-classification")
    assert about["license"] == "unknown"
    (result,) = card.data.eval_results
    measured = succeeds("evaluate", models.run, "--json").json
    assert (result.metric_type, result.metric_value) == ("accuracy", pytest.approx(measured["accuracy"], abs=1e-4))
    assert "Own recordings of its maker" in card.text


def test_a_bundle_is_the_same_zipped_and_the_same_every_time(shipped: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        succeeds("export", "digits", "--format", "bundle", "--out", tmp_path / name / "digits.zip")
    one, two = ((tmp_path / name / "digits.zip").read_bytes() for name in ("one", "two"))
    assert one == two
    with ZipFile(tmp_path / "one" / "digits.zip") as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    assert files == {f"digits/{name}": (shipped / name).read_bytes() for name in FILES}
    assert files["digits/model.safetensors"] == weights_file("digits").read_bytes()


def test_onnx_has_the_same_bytes_every_time(folder: Path, models: Models) -> None:
    assert (folder / "model.onnx").read_bytes() == models.onnx.read_bytes()


def test_the_card_that_ships_says_what_was_measured(shipped: Path) -> None:
    card = huggingface_hub.ModelCard.load(shipped / "README.md")
    assert card.data.license == "cc-by-sa-4.0"
    assert card.data.datasets == ["google/speech_commands"]
    (result,) = card.data.eval_results
    assert 0.9 < result.metric_value < 1


def test_other_files_of_a_repository_stay(shipped: Path) -> None:
    assert {path.name for path in shipped.iterdir()} == FILES | {".gitattributes"}


def test_a_file_is_no_folder_and_a_folder_no_file(shipped: Path) -> None:
    assert "is a folder" in refused(2, "export", "digits", "--format", "bundle", "--out", shipped).error
    assert "is a file" in refused(2, "export", "digits", "--format", "hub", "--out", shipped / "LICENSE").error
