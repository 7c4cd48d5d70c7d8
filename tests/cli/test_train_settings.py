"""What settings do to a training, wherever they are from."""

import json
from pathlib import Path

import pytest
import torch

from audiomnist.config import load
from audiomnist.training.checkpoint import load_model
from tests.cli.command import SMALL, Outcome, parts, refused, rows, succeeds, weights, without_times
from tests.cli.conftest import Trained


@pytest.fixture(scope="module")
def validated(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """Trained with a validation part, told in detail."""
    folder = tmp_path_factory.mktemp("validated")
    words = ("--data", small_corpus, *SMALL, "--set", "split.validation_fraction=0.25", "--run", folder / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(folder))
        return folder / "run", succeeds("train", *words, "--details")


def test_the_configuration_of_a_run_makes_the_same_run_again(trained: Trained, tmp_path: Path) -> None:
    again = succeeds("train", "--config", trained.run / "config.yaml", "--run", tmp_path / "again", "--json")
    assert weights(tmp_path / "again") == weights(trained.run)
    assert (tmp_path / "again" / "config.yaml").read_text() == (trained.run / "config.yaml").read_text()
    assert without_times(again.json) == without_times(trained.document)


def test_another_seed_makes_another_run(trained: Trained, tmp_path: Path) -> None:
    succeeds("train", "--config", trained.run / "config.yaml", "--seed", 1, "--run", tmp_path / "other", "-q")
    assert load(tmp_path / "other" / "config.yaml").seed == 1
    assert parts(tmp_path / "other") != parts(trained.run)
    assert weights(tmp_path / "other") != weights(trained.run)


def test_with_a_validation_part_test_clips_are_used_once(validated: tuple[Path, Outcome]) -> None:
    run, outcome = validated
    assert {part: len(paths) for part, paths in parts(run).items()} == {"train": 72, "validation": 24, "test": 24}
    assert " validation  accuracy" in outcome.stderr
    assert " test  accuracy" not in outcome.stderr
    assert {row["path"] for row in rows(run / "predictions.csv")} == set(parts(run)["test"])


def test_the_temperature_from_validation_clips_is_kept_and_used(validated: tuple[Path, Outcome]) -> None:
    run, outcome = validated
    document = json.loads((run / "metrics.json").read_text())
    found = document["calibration"]
    assert found["fitted_on"] == "validation (24 clips)"
    assert found["temperature"] != 1
    assert found["ece"] != found["ece_uncalibrated"]
    assert load_model(run / "model.safetensors", torch.device("cpu")).temperature == found["temperature"]
    assert f"Temperature {found['temperature']:.2f}, fitted on validation (24 clips)" in outcome.stdout
    assert succeeds("evaluate", run, "--json").json["loss"] == document["loss"]
    before = (run / "model.safetensors").read_bytes()
    assert without_times(succeeds("train", "--resume", run, "--json").json) == without_times(document)
    assert (run / "model.safetensors").read_bytes() == before


def test_without_validation_clips_nothing_is_fitted(trained: Trained) -> None:
    found = trained.document["calibration"]
    assert (found["temperature"], found["fitted_on"]) == (1.0, None)
    assert found["ece"] == found["ece_uncalibrated"]


def test_the_option_for_the_corpus_wins_over_the_environment(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOMNIST_DATA", str(tmp_path / "nothing"))
    assert str(tmp_path / "nothing") in refused(3, "prep", *SMALL).error
    assert succeeds("prep", "--set", f"data={tiny}", *SMALL, "--json").json["data"] == str(tiny)
    wins = succeeds("prep", "--set", f"data={tmp_path}", "--data", tiny, *SMALL, "--json").json
    assert wins["data"] == str(tiny)
    monkeypatch.setenv("AUDIOMNIST_DATA", str(tiny))
    assert succeeds("prep", *SMALL, "--json").json["clips"] == 60


@pytest.mark.parametrize("name", ["2024", "null", "clips: old", "clips #2", "[old]", "1e3", "true"])
def test_a_corpus_may_be_called_anything(tiny: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tiny.parent)
    tiny.rename(name)
    assert succeeds("prep", "--data", name, *SMALL, "--json").json["clips"] == 60


def test_a_last_batch_of_one_clip_can_be_trained_on(tiny: Path) -> None:
    """With few bands and frames nothing but that one clip is left for batch normalisation."""
    features = ("sample_rate=4000", "n_fft=256", "hop_length=256", "n_mels=8")
    words = [word for setting in features for word in ("--set", f"features.{setting}")]
    succeeds("train", "--data", tiny, *words, "--set", "optim.epochs=1", "--set", "optim.batch_size=47", "-q")


def test_the_configuration_says_how_to_train_with_it(trained: Trained) -> None:
    first, *_ = (trained.run / "config.yaml").read_text().splitlines()
    assert first == "# audiomnist train --config config.yaml"
