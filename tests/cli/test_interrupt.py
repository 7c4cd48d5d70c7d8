"""Ctrl-C and worse in a real process: what is said, and that the command it names ends as if nothing had happened."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.command import SMALL, Outcome, audiomnist, succeeds, weights
from tests.cli.forked import Forked, slow_epochs
from tests.conftest import MakeCorpus, Once, write_corpus

EPOCHS = 12
LONG = (*SMALL, "--set", f"optim.epochs={EPOCHS}")
SHORTER = (*SMALL, "--set", "optim.epochs=20")


@pytest.fixture
def corpus(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus", speakers=2, repetitions=3)


@pytest.fixture(scope="session")
def many(once: Once) -> Path:
    """Clips that take a while to prepare, to be read only."""
    return once("many", lambda folder: write_corpus(folder, speakers=6, repetitions=12))


def send(command: Forked, what: signal.Signals, when: Callable[[], bool]) -> Outcome:
    """Send a signal as soon as something is the case, and return what was written until the end."""
    command.wait_for(when)
    command.send(what)
    return command.outcome()


def interrupt(command: Forked, when: Callable[[], bool], by: signal.Signals = signal.SIGINT) -> tuple[str, str]:
    """Stop a command and its children as soon as something is the case."""
    outcome = send(command, by, when)
    assert outcome.exit_code == 128 + by, outcome
    assert "Traceback" not in outcome.stderr
    wait_for_all(command)
    return outcome.stdout, outcome.stderr


def wait_for_all(command: Forked) -> None:
    """Wait until no process of a command is left; multiprocessing's own helper notices a moment later."""
    for _ in range(20_000):
        if not command.is_any_left():
            return
        time.sleep(0.01)
    raise AssertionError("a process of the command is left")


def epochs(run: Path) -> list[int]:
    history = run / "history.jsonl"
    return [json.loads(line)["epoch"] for line in history.read_text().splitlines()] if history.exists() else []


def resume_command(text: str) -> list[str]:
    program, *words = shlex.split(text[text.index("audiomnist ") :])
    assert program == "audiomnist"
    return words


def test_training_goes_on_after_a_kill_and_after_ctrl_c(corpus: Path, tmp_path: Path) -> None:
    run, unbroken = tmp_path / "run", tmp_path / "unbroken"
    command = Forked("train", "--data", corpus, *LONG, "--run", run, first=slow_epochs)
    assert send(command, signal.SIGKILL, lambda: bool(epochs(run))).exit_code == -signal.SIGKILL
    n_before = len(epochs(run))
    command = Forked("train", "--resume", run, first=slow_epochs)
    stdout, stderr = interrupt(command, lambda: len(epochs(run)) > n_before)
    assert stdout == ""
    assert not (run / "metrics.json").exists()
    n_epochs = len(epochs(run))
    assert n_before < n_epochs < EPOCHS
    *_, error, hint = stderr.splitlines()
    assert error == f"stopped after epoch {n_epochs} of {EPOCHS}; that much is saved in {run}"
    words = resume_command(hint)
    assert words == ["train", "--resume", str(run)]
    resumed = succeeds(*words, "--json").json
    at_once = succeeds("train", "--data", corpus, *LONG, "--run", unbroken, "--json").json
    assert weights(run) == weights(unbroken)
    assert resumed["loss"] == at_once["loss"]
    assert epochs(run) == epochs(unbroken) == list(range(1, EPOCHS + 1))


@pytest.mark.parametrize("jobs", [1, 2])
def test_folds_stop_on_sigterm_and_go_on(corpus: Path, tmp_path: Path, jobs: int) -> None:
    run = tmp_path / "run"
    command = Forked("kfold", "--data", corpus, *SHORTER, "--folds", 2, "--jobs", jobs, "--run", run, "--json")
    stdout, stderr = interrupt(command, lambda: bool(epochs(run / "fold-0")), by=signal.SIGTERM)
    assert stderr == ""
    document = json.loads(stdout)
    n_finished = len(list(run.glob("fold-*/metrics.json")))
    assert n_finished < 2
    assert document["exit_code"] == 143
    assert document["error"] == f"stopped after {n_finished} of 2 folds; they are saved in {run}"
    assert not list(run.rglob(".*.tmp-*"))
    words = resume_command(document["hint"])
    assert words == ["kfold", "--resume", str(run)]
    resumed = succeeds(*words, "--json").json
    assert [fold["fold"] for fold in resumed["folds"]] == [0, 1]
    assert epochs(run / "fold-0") == epochs(run / "fold-1") == list(range(1, 21))


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_prep_leaves_nothing_and_names_its_command(many: Path, home: Path, by: signal.Signals) -> None:
    store = home / "data" / ".store"
    _, stderr = interrupt(Forked("prep", "--data", many), lambda: bool(list(store.glob(".*"))), by=by)
    assert stderr.endswith(f"stopped\nhint: start again: audiomnist prep --data {many}\n")
    assert "error:" not in stderr
    assert not list(store.iterdir())


def test_what_a_killed_prep_left_is_cleared_up(many: Path, home: Path) -> None:
    store = home / "data" / ".store"
    send(Forked("prep", "--data", many), signal.SIGKILL, lambda: bool(list(store.glob(".*"))))
    assert list(store.glob(".*"))
    succeeds("prep", "--data", many)
    assert not list(store.glob(".*"))


@pytest.mark.slow
def test_no_fold_outlives_a_killed_parent(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = Forked("kfold", "--data", corpus, *SHORTER, "--folds", 2, "--jobs", 2, "--run", run)
    command.wait_for(lambda: bool(epochs(run / "fold-0")))
    command.send(signal.SIGKILL, children=False)
    assert command.outcome().exit_code == -signal.SIGKILL
    wait_for_all(command)
    assert not list(run.rglob("metrics.json"))
    succeeds("kfold", "--resume", run)
    assert epochs(run / "fold-0") == epochs(run / "fold-1") == list(range(1, 21))
    assert not list(run.rglob(".*.tmp-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "exit_code", "error"),
    [
        (signal.SIGKILL, 1, "a process that trained a fold was killed"),
        (signal.SIGTERM, 143, "of 2 folds; they are saved in "),
    ],
)
def test_the_end_of_one_fold_by_a_signal_ends_the_command(
    corpus: Path, tmp_path: Path, by: signal.Signals, exit_code: int, error: str
) -> None:
    run, others = tmp_path / "run", set(active_children())

    def kill_one() -> None:
        while not (epochs(run / "fold-0") and epochs(run / "fold-1")):  # both are at work
            time.sleep(0.01)
        os.kill((set(active_children()) - others).pop().pid or 0, by)

    killer = Thread(target=kill_one)
    killer.start()
    words = ("--data", corpus, *SMALL, "--set", "optim.epochs=80", "--folds", 2, "--jobs", 2, "--run", run, "--json")
    outcome = audiomnist("kfold", *words)
    killer.join()
    assert outcome.exit_code == outcome.json["exit_code"] == exit_code
    assert error in outcome.json["error"]
    assert set(active_children()) == others
    succeeds("kfold", "--resume", run)
    assert epochs(run / "fold-0") == epochs(run / "fold-1") == list(range(1, 81))


def test_a_second_signal_ends_the_process_at_once() -> None:
    program = (
        "import os, signal, time; from audiomnist import stopping\n"
        "with stopping.handled(), stopping.at_safe_points():\n"
        "    os.kill(os.getpid(), signal.SIGTERM); print('goes on', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False)
    assert (ran.returncode, ran.stdout) == (143, "goes on\n")
