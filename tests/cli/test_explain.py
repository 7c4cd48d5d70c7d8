import sys
from pathlib import Path

import pytest
import soundfile
from matplotlib.image import imread

from audiomnist.training.checkpoint import save_model
from tests.cli.command import refused, succeeds
from tests.conftest import MakeCorpus
from tests.page.conftest import RATE, clip, trained


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(trained(), path)
    return path


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    path = tmp_path / "seven.wav"
    soundfile.write(path, clip(7, 7), RATE)
    return path


def test_a_picture_for_each_recording(model: Path, seven: Path, home: Path) -> None:
    printed = succeeds("explain", model, seven, "--digit", "4").stdout.splitlines()
    assert printed[0] == f"seven.wav: 7; {home / 'explanations' / 'seven.png'}"
    assert [line.split(":")[0].strip() for line in printed[1:]] == ["7", "4"]
    assert "most relevant tenth hidden" in printed[1]
    assert imread(home / "explanations" / "seven.png").std() > 0.05


def test_the_same_for_programs(model: Path, seven: Path, tmp_path: Path) -> None:
    document = succeeds("explain", model, seven, "--method", "ig", "--out", tmp_path / "out", "--json").json
    (file,) = document["files"]
    (own,) = file["explanations"]
    assert (file["digit"], own["digit"], own["holds"]) == (7, 7, True)
    assert own["without_relevant"] < own["without_random"] <= own["probability"] + 0.01
    assert Path(file["picture"]).is_file()


def test_recordings_of_one_name_have_pictures_of_their_own(model: Path, seven: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "seven.wav"
    other.parent.mkdir()
    soundfile.write(other, clip(3, 7), RATE)
    files = succeeds("explain", model, seven, other, "--out", tmp_path / "out", "--json").json["files"]
    assert [Path(file["picture"]).name for file in files] == ["seven.png", "seven_.png"]


def test_averages_over_a_corpus(model: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "tones", speakers=1, repetitions=1, sample_rate=RATE)
    document = succeeds("explain", model, "--data", corpus, "--out", tmp_path / "out", "--json").json
    assert [(one["digit"], one["n_clips"]) for one in document["averages"]] == [(digit, 1) for digit in range(10)]
    assert document["picture"] == str(tmp_path / "out" / "tones-average.png")
    assert Path(document["picture"]).is_file()


def test_what_cannot_be_explained(model: Path, seven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no gradients" in refused(2, "explain", "model.onnx", seven).error
    assert "nothing to explain" in refused(2, "explain", model).error
    assert "gradcam" in refused(2, "explain", model, seven, "--method", "gradcam").error
    monkeypatch.setitem(sys.modules, "captum", None)
    assert refused(4, "explain", model, seven).hint == "pip install 'audiomnist[explain]'"
