"""Two processes of one job come to what one process comes to, and end together."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from audiomnist import distributed
from audiomnist.training import trainer
from audiomnist.training.listeners import Checkpoint
from tests.cli import one_of_several
from tests.cli.command import SMALL, Outcome, audiomnist, refused, succeeds, weights, without_times
from tests.cli.forked import Forked
from tests.conftest import write_corpus

# 297 clips to train in 18 batches of 16 or 17: the slices of a batch differ in size.
CHANGES = (
    "optim.batch_size=17",
    "optim.lr=0.001",
    "optim.epochs=2",
    "optim.consistency=1",
    "split.test_fraction=0.1",
)
SIZES = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
SETTINGS = (*SMALL, *(word for change in CHANGES for word in ("--set", change)))


@pytest.fixture(autouse=True)
def full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "autocast", lambda device: nullcontext())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "clips", speakers=3, repetitions=11)


@pytest.fixture(scope="module")
def alone(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of one process, to be read only."""
    home = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(home))
        patch.setattr(trainer, "autocast", lambda device: nullcontext())
        succeeds("train", "--data", corpus, *SETTINGS, "--run", home / "run")
    return home / "run"


def start(*words: object) -> "subprocess.Popen[str]":
    """Let torchrun start the command in two processes."""
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--")
    return subprocess.Popen(
        [sys.executable, *launcher, one_of_several.__file__, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> Outcome:
    stdout, stderr = process.communicate(timeout=6000)
    return Outcome(process.returncode, stdout, stderr)


def in_two(*words: object) -> Outcome:
    """Run the command in two processes which get from here what they would get from torchrun."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    job = {"TORCHELASTIC_RUN_ID": "tests", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    both = [
        Forked(*words, first=one_of_several.train_in_full_precision, variables={**job, **numbers})
        for numbers in ({f"{which}RANK": str(n) for which in ("", "LOCAL_")} | SIZES for n in range(2))
    ]
    first, second = (process.outcome() for process in both)
    assert first.exit_code == second.exit_code, (first, second)
    return Outcome(first.exit_code, first.stdout + second.stdout, first.stderr + second.stderr)


def two_succeed(*words: object) -> Outcome:
    outcome = in_two(*words)
    assert outcome.exit_code == 0, outcome
    return outcome


def told(outcome: Outcome) -> tuple[str, str]:
    """Return the one error that was printed, and two lines of its hint; nothing else may be said by Python."""
    lines = outcome.stderr.splitlines()
    (error,) = (number for number, line in enumerate(lines) if line.startswith(("error: ", "stopped ")))
    assert "torch.distributed" in outcome.stderr.split("Traceback")[-1]
    return lines[error], " ".join(map(str.strip, lines[error + 1 : error + 3]))


def history(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def assert_same_course(run: Path, other: Path) -> None:
    """The first epoch is the same to 1e-4; after that training makes what was rounded otherwise larger."""
    for name, within in (("epoch", 0), ("lr", 1e-9), ("train_loss", 1e-4), ("loss", 1e-4), ("train_accuracy", 0.01)):
        of_run, of_other = ([epoch[name] for epoch in history(folder)] for folder in (run, other))
        assert of_run[:1] == pytest.approx(of_other[:1], abs=within), name
        assert of_run == pytest.approx(of_other, abs=10 * within), name


def clips_of(run: Path) -> list[str]:
    with (run / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return [row["path"] for row in csv.DictReader(file)]


def store_bytes(home: Path) -> dict[str, bytes]:
    (store,) = (home / "data" / ".store").iterdir()
    return {file.name: file.read_bytes() for file in store.iterdir() if file.suffix != ".npz"}


def test_training_takes_the_course_of_one_process(corpus: Path, alone: Path, home: Path) -> None:
    outcome = ended(start("train", "--data", corpus, *SETTINGS))
    assert outcome.exit_code == 0, outcome
    (run,) = (home / "runs").iterdir()
    assert_same_course(run, alone)
    assert clips_of(run) == clips_of(alone)
    assert {path.name.split(".")[0] for path in run.rglob("*")} == {
        path.name.split(".")[0] for path in alone.rglob("*")
    }
    assert outcome.stderr.count("epoch  1/2") == outcome.stderr.count("prep: ") == 1
    assert outcome.stdout.count("run folder: ") == 1
    assert store_bytes(home) == store_bytes(alone.parent)


@pytest.mark.slow
def test_a_process_that_is_stopped_ends_the_job_in_time(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    monkeypatch.setenv(one_of_several.SIGNAL, str(signal.SIGSTOP.value))
    monkeypatch.setenv(distributed.TIMEOUT_S, "10")
    error, hint = told(ended(start("kfold", "--data", corpus, *SETTINGS, "--folds", 2, "--run", run)))
    assert error.startswith("error: another process of this job has ended")
    assert error.endswith(f"stopped after 1 of 2 folds; they are saved in {run}")
    assert hint.startswith(f"hint: resume: audiomnist kfold --resume {run}")


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_one_process_by_a_signal_ends_the_job(
    corpus: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: signal.Signals
) -> None:
    run = tmp_path / "run"
    monkeypatch.setenv(one_of_several.SIGNAL, str(by.value))
    outcome = ended(start("train", "--data", corpus, *SETTINGS, "--run", run))
    assert outcome.exit_code != 0
    error, hint = told(outcome)
    assert error.startswith("error: another process of this job has ended")
    # Which of the two tells it, and whether the first epoch was saved by then, is a matter of milliseconds.
    assert re.search(r"stopped after epoch [01] of 2; that much is saved in ", error)
    assert hint.startswith(f"hint: resume: audiomnist train --resume {run}")
    assert len(history(run)) == 1
    succeeds("train", "--resume", run)
    assert_same_course(run, alone)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["train", "kfold"])
def test_no_process_outlives_a_killed_torchrun(corpus: Path, tmp_path: Path, verb: str) -> None:
    run = tmp_path / "run"
    process = start(verb, "--data", corpus, *SETTINGS, "--set", "optim.epochs=500", "--run", run)
    while process.poll() is None and not list(run.rglob("history.jsonl")):
        time.sleep(0.05)
    process.kill()
    outcome = ended(process)  # that is when no process is left that could write to its streams
    assert "stopped after" in outcome.stderr
    assert not list(run.rglob("metrics.json"))


def test_two_processes_go_on_with_what_one_began(
    corpus: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, save = tmp_path / "run", Checkpoint.epoch_ended

    def save_and_stop(*arguments: Any) -> None:
        save(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "epoch_ended", save_and_stop)
    assert audiomnist("train", "--data", corpus, *SETTINGS, "--run", run).exit_code == 130
    two_succeed("train", "--resume", run)
    assert_same_course(run, alone)


@pytest.mark.slow
def test_ctrl_c_stops_all_processes(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("train", "--data", corpus, *SETTINGS, "--set", "optim.epochs=500", "--run", run)
    while process.poll() is None and not (run / "history.jsonl").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    error, hint = told(ended(process))
    assert error == f"stopped after epoch {len(history(run))} of 500; that much is saved in {run}"
    assert hint.startswith(f"hint: resume: audiomnist train --resume {run}")


def test_folds_are_those_of_one_process(corpus: Path, tmp_path: Path) -> None:
    words = ("--data", corpus, *SETTINGS, "--set", "optim.epochs=1", "--folds", 3, "--json")
    one = succeeds("kfold", *words, "--run", tmp_path / "one").json
    two = two_succeed("kfold", *words, "--run", tmp_path / "two").json
    for document in (one, two):
        document["folds"] = [without_times(fold) for fold in document["folds"]]
    assert without_times(two) == without_times(one)
    assert clips_of(tmp_path / "two") == clips_of(tmp_path / "one")
    for fold in range(3):
        assert weights(tmp_path / "two" / f"fold-{fold}") == weights(tmp_path / "one" / f"fold-{fold}")


def test_a_test_counts_each_clip_once(corpus: Path, alone: Path, tmp_path: Path) -> None:
    words = ("evaluate", alone, "--data", corpus, "--json", "--out")
    one = succeeds(*words, tmp_path / "one").json
    two = two_succeed(*words, tmp_path / "two").json
    assert without_times(two) == without_times(one)
    assert len(clips_of(tmp_path / "two")) == 330
    for name in ("predictions.csv", "figures/samples.png"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_faults_of_several_processes_are_listed_once(tmp_path: Path, home: Path) -> None:
    broken = write_corpus(tmp_path / "corpus", speakers=2, repetitions=5)
    for name in ("0_george_0.wav", "9_jackson_4.wav"):
        (broken / name).write_bytes(b"no sound")
    outcome = in_two("prep", "--data", broken, *SMALL, "--strict", "--json")
    assert outcome.exit_code == outcome.json["exit_code"] == 3
    assert outcome.json["error"].startswith("2 of 100 clips cannot be used")
    assert "0_george_0.wav" in outcome.json["error"]
    assert "9_jackson_4.wav" in outcome.json["error"]
    assert len(store_bytes(home)) == 3


def test_what_several_processes_cannot_do_is_refused(
    corpus: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHELASTIC_RUN_ID", "none")
        patch.setenv("WORLD_SIZE", "2")
        assert "without torchrun" in refused(2, "report", alone).hint
    monkeypatch.setattr(distributed, "_size", 2)
    assert "use one of them" in refused(2, "kfold", "--data", corpus, "--jobs", 2).hint
    assert "use auto, cpu or cuda" in refused(4, "train", "--data", corpus, "--device", "cuda:0").hint
