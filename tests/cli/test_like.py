"""A run is repeated bit for bit, and what differs is said."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import refused, succeeds, weights
from tests.cli.conftest import Trained


@pytest.fixture
def elsewhere(trained: Trained, tmp_path: Path) -> Path:
    """The run as a machine with another torch and more threads would have left it."""
    run = trained.copy(tmp_path / "elsewhere")
    record = json.loads((run / "record.json").read_text())
    record["environment"]["libraries"]["torch"] = "1.0"
    record["environment"]["threads"] = 99
    (run / "record.json").write_text(json.dumps(record))
    return run


def test_a_run_is_repeated_bit_for_bit_elsewhere(trained: Trained, elsewhere: Path, tmp_path: Path) -> None:
    corpus = shutil.copytree(trained.corpus, tmp_path / "moved")
    outcome = succeeds("train", "--like", elsewhere, "--data", corpus, "--run", tmp_path / "again", "--json").json
    assert weights(tmp_path / "again") == weights(trained.run)
    assert outcome["loss"] == trained.document["loss"]
    then_and_now = outcome["like"].pop("differences")
    assert outcome["like"] == {"run": str(elsewhere), "same_weights": True}
    assert then_and_now.keys() == {"torch", "threads"}
    assert then_and_now["torch"][0] == "1.0"


def test_what_differs_is_said_before_and_after(trained: Trained, elsewhere: Path, tmp_path: Path) -> None:
    (elsewhere / "model.safetensors").unlink()
    outcome = succeeds("train", "--like", elsewhere, "--run", tmp_path / "again")
    assert f"threads is 1, and was 99 in {elsewhere}" in outcome.stderr
    assert f"{elsewhere} has no weights to compare" in outcome.stdout
    assert "threads: 1, was 99" in outcome.stdout


def test_a_run_writes_down_where_it_is_computed(trained: Trained) -> None:
    environment = json.loads((trained.run / "record.json").read_text())["environment"]
    assert environment.keys() >= {"command", "python", "git", "libraries", "processor", "device", "threads"}
    assert environment["libraries"].keys() >= {"torch", "numpy", "soxr"}


def test_nothing_else_can_be_given_beside_a_run_to_repeat(trained: Trained, make_corpus, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert "--seed" in refused(2, "train", "--like", trained.run, "--seed", 1).error
    assert "one of them" in refused(2, "train", "--like", trained.run, "--resume", trained.run).hint
    other = make_corpus(tmp_path / "other", speakers=3, repetitions=4, seed=1)
    assert "no longer those of this run" in refused(3, "train", "--like", trained.run, "--data", other).error
