"""Ctrl-C and worse in a real process: what is said, and that the command it names ends as if nothing had happened."""

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import SMALL, start, succeeds, weights
from tests.conftest import MakeCorpus

LONG = (*SMALL, "--set", "optim.epochs=60")
SHORTER = (*SMALL, "--set", "optim.epochs=20")


@pytest.fixture
def corpus(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus", speakers=2, repetitions=3)


def send(process: "subprocess.Popen[str]", what: signal.Signals, when: Callable[[], bool]) -> tuple[str, str]:
    """Send a signal as soon as something is the case, and return what was written until the end."""
    while process.poll() is None and not when():
        time.sleep(0.01)
    process.send_signal(what)
    return process.communicate(timeout=60)


def interrupt(process: "subprocess.Popen[str]", when: Callable[[], bool]) -> tuple[str, str]:
    """Press Ctrl-C as soon as something is the case."""
    stdout, stderr = send(process, signal.SIGINT, when)
    assert process.returncode == 130, (stdout, stderr)
    assert "Traceback" not in stderr
    return stdout, stderr


def epochs(run: Path) -> list[int]:
    history = run / "history.jsonl"
    return [json.loads(line)["epoch"] for line in history.read_text().splitlines()] if history.exists() else []


def resume_command(text: str) -> list[str]:
    program, *words = shlex.split(text[text.index("audiomnist ") :])
    assert program == "audiomnist"
    return words


@pytest.mark.slow
def test_training_goes_on_after_a_kill_and_after_ctrl_c_and_ends_as_an_unbroken_run(
    corpus: Path, tmp_path: Path
) -> None:
    run, unbroken = tmp_path / "run", tmp_path / "unbroken"
    process = start("train", "--data", corpus, *LONG, "--run", run)
    send(process, signal.SIGKILL, lambda: bool(epochs(run)))
    assert process.returncode == -signal.SIGKILL
    n_before = len(epochs(run))
    stdout, stderr = interrupt(start("train", "--resume", run), lambda: len(epochs(run)) > n_before)
    assert stdout == ""
    assert not (run / "metrics.json").exists()
    n_epochs = len(epochs(run))
    assert n_before < n_epochs < 60
    *_, error, hint = stderr.splitlines()
    assert error == f"error: stopped after epoch {n_epochs} of 60; that much is saved in {run}"
    words = resume_command(hint)
    assert words == ["train", "--resume", str(run)]
    resumed = succeeds(*words, "--json").json
    at_once = succeeds("train", "--data", corpus, *LONG, "--run", unbroken, "--json").json
    assert weights(run) == weights(unbroken)
    assert resumed["loss"] == at_once["loss"]
    assert epochs(run) == epochs(unbroken) == list(range(1, 61))


@pytest.mark.slow
def test_cross_validation_goes_on_with_the_command_it_names(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("kfold", "--data", corpus, *SHORTER, "--folds", 2, "--run", run, "--json")
    stdout, stderr = interrupt(process, lambda: bool(epochs(run / "fold-0")))
    assert stderr == ""
    document = json.loads(stdout)
    n_finished = len(list(run.glob("fold-*/metrics.json")))
    assert n_finished < 2
    assert document["exit_code"] == 130
    assert document["error"] == f"stopped after {n_finished} of 2 folds; they are saved in {run}"
    words = resume_command(document["hint"])
    assert words == ["kfold", "--resume", str(run)]
    resumed = succeeds(*words, "--json").json
    assert [fold["fold"] for fold in resumed["folds"]] == [0, 1]
    assert epochs(run / "fold-0") == epochs(run / "fold-1") == list(range(1, 21))


@pytest.mark.slow
def test_before_there_is_a_run_nothing_is_left_and_people_are_told_what_to_do(
    corpus: Path, tmp_path: Path, home: Path
) -> None:
    store = home / "data" / ".store"
    _, stderr = interrupt(start("train", "--data", corpus, "--run", tmp_path / "run"), store.exists)
    *_, error, hint = stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert not list(store.glob(".*"))
