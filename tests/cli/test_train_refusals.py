"""What a training refuses, and what it warns of."""

from pathlib import Path

import pytest

from audiomnist.config import load
from tests.cli.command import SMALL, audiomnist, refused, succeeds
from tests.conftest import MakeCorpus


@pytest.mark.parametrize("batch_size", [16, 64], ids=["in the middle of an epoch", "with the last step"])
def test_a_diverged_training_names_a_setting_to_change(tiny: Path, tmp_path: Path, batch_size: int) -> None:
    changes = ("--set", "optim.lr=1e30", "--set", f"optim.batch_size={batch_size}")
    run = tmp_path / "run"
    outcome = audiomnist("train", "--data", tiny, *SMALL, *changes, "--run", run, "--json")
    assert outcome.exit_code == outcome.json["exit_code"] == 4
    assert "optim.lr" in outcome.json["hint"]
    assert not [path for path in run.rglob("*.json*") if "NaN" in path.read_text()]


def test_a_folder_that_holds_something_is_not_trained_into(tiny: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "notes.txt").write_text("mine")
    assert refused(3, "train", "--data", tiny, *SMALL, "--run", run).error == f"{run} is not empty"
    assert [path.name for path in run.iterdir()] == ["notes.txt"]


def test_a_window_that_cuts_many_clips_is_told_with_its_setting(tiny: Path, tmp_path: Path) -> None:
    words = ("--data", tiny, *SMALL, "--set", "window.clip_ms=400", "--set", "optim.batch_size=auto")
    outcome = succeeds("train", *words, "--run", tmp_path / "run")
    assert outcome.stderr.count("warning: window.clip_ms=400 cuts ") == 1
    assert load(tmp_path / "run" / "config.yaml").optim.batch_size == 64  # what is automatic is written as it became


def test_faults_of_a_corpus_are_counted_before_it_is_read(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus")
    (corpus / "3_lucas_2.wav").unlink()
    outcome = succeeds("prep", "--data", corpus, *SMALL)
    assert f"validate: 0 errors, 1 warning; see: audiomnist validate --data {corpus}" in outcome.stderr
    assert "validate:" not in succeeds("prep", "--data", corpus, *SMALL).stderr
