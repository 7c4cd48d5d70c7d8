"""Ctrl-C in a real process: what is said, and that the command it names ends as if nothing had happened."""

import json
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.command import SMALL, start, succeeds, weights
from tests.conftest import MakeCorpus

LONG = (*SMALL, "--set", "optim.epochs=60")


@pytest.fixture
def corpus(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus", speakers=2, repetitions=3)


def interrupt(process: "subprocess.Popen[str]", once_there_is: Path) -> tuple[str, str]:
    """Press Ctrl-C as soon as a file is there."""
    while process.poll() is None and not once_there_is.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, (stdout, stderr)
    assert "Traceback" not in stderr
    return stdout, stderr


def resume_command(text: str) -> list[str]:
    program, *words = shlex.split(text[text.index("audiomnist ") :])
    assert program == "audiomnist"
    return words


@pytest.mark.slow
def test_training_goes_on_with_the_command_it_names_and_ends_as_an_unbroken_run(corpus: Path, tmp_path: Path) -> None:
    run, unbroken = tmp_path / "run", tmp_path / "unbroken"
    process = start("train", "--data", corpus, *LONG, "--run", run)
    stdout, stderr = interrupt(process, run / "history.jsonl")
    assert stdout == ""
    assert not (run / "metrics.json").exists()
    *_, error, hint = stderr.splitlines()
    n_epochs = len((run / "history.jsonl").read_text().splitlines())
    assert error == f"error: stopped after epoch {n_epochs} of 60; that much is saved in {run}"
    assert 1 <= n_epochs < 60
    words = resume_command(hint)
    assert words == ["train", "--resume", str(run)]
    resumed = succeeds(*words, "--json").json
    at_once = succeeds("train", "--data", corpus, *LONG, "--run", unbroken, "--json").json
    assert weights(run) == weights(unbroken)
    assert resumed["loss"] == at_once["loss"]
    epochs = [json.loads(line)["epoch"] for line in (run / "history.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, 61))


@pytest.mark.slow
def test_cross_validation_goes_on_with_the_command_it_names(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("kfold", "--data", corpus, *LONG, "--folds", 2, "--run", run, "--json")
    stdout, stderr = interrupt(process, run / "fold-0" / "history.jsonl")
    assert stderr == ""
    document = json.loads(stdout)
    assert document["exit_code"] == 130
    assert document["error"] == f"stopped after 0 of 2 folds; they are saved in {run}"
    words = resume_command(document["hint"])
    assert words == ["kfold", "--resume", str(run)]
    resumed = succeeds(*words, "--json").json
    assert [fold["fold"] for fold in resumed["folds"]] == [0, 1]
    epochs = [json.loads(line)["epoch"] for line in (run / "fold-0" / "history.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, 61))


@pytest.mark.slow
def test_before_there_is_a_run_nothing_is_left_and_people_are_told_what_to_do(
    corpus: Path, tmp_path: Path, home: Path
) -> None:
    store = home / "data" / ".store"
    process = start("train", "--data", corpus, "--run", tmp_path / "run")
    _, stderr = interrupt(process, store)
    *_, error, hint = stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert not list(store.glob(".*"))
