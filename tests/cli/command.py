"""The command as a user runs it, in this process or in one of its own."""

import csv
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from safetensors.torch import load_file
from typer.testing import CliRunner

from audiomnist.cli.app import app

SMALL = (
    *("--set", "features.sample_rate=8000"),
    *("--set", "features.n_fft=256"),
    *("--set", "features.hop_length=128"),
    *("--set", "features.n_mels=24"),
    *("--set", "optim.batch_size=16"),
    *("--set", "optim.epochs=1"),
)
RESULT_KEYS = {"run", "version", "split", "data", "accuracy", "loss", "n_test", "seconds", "epochs", "device"}


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one document on stdout, which must be JSON by the letter."""
        return json.loads(self.stdout, parse_constant=_refuse)


@dataclass(frozen=True)
class Refusal:
    """What a user is told when a command cannot do its work."""

    error: str
    hint: str


def audiomnist(*words: object) -> Outcome:
    """Run the command here; an exception that is not turned into a message comes through."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)


def succeeds(*words: object) -> Outcome:
    outcome = audiomnist(*words)
    assert outcome.exit_code == 0, outcome
    return outcome


def refused(exit_code: int, *words: object) -> Refusal:
    """Run a command that must fail, for people and for scripts, and return what both are told."""
    for_people = audiomnist(*words)
    for_scripts = audiomnist(*words, "--json")
    assert (for_people.exit_code, for_scripts.exit_code) == (exit_code, exit_code), (for_people, for_scripts)
    assert (for_people.stdout, for_scripts.stderr) == ("", "")
    document = for_scripts.json
    assert document.keys() >= {"error", "hint", "exit_code"}
    assert document["exit_code"] == exit_code
    assert for_people.stderr.endswith(f"error: {document['error']}\nhint: {document['hint']}\n")
    assert sum(line.startswith("error: ") for line in for_people.stderr.splitlines()) == 1
    return Refusal(document["error"], document["hint"])


def weights(run: Path) -> dict[str, bytes]:
    """Return the bytes of every tensor of a run's network."""
    return {name: tensor.numpy().tobytes() for name, tensor in load_file(run / "model.safetensors").items()}


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    """Return of a result what two runs of the same settings have in common."""
    times = {"run", "seconds", "train_seconds", "clips_per_second"}
    return {key: value for key, value in document.items() if key not in times}


def rows(file: Path) -> list[dict[str, str]]:
    """Read a CSV."""
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def parts(run: Path) -> dict[str, list[str]]:
    """Return the clips of each part of a run's split."""
    found: dict[str, list[str]] = {}
    for row in rows(run / "split.csv"):
        found.setdefault(row["part"], []).append(row["path"])
    return found


def evaluation(run: Path, name: str) -> Path:
    """Return the folder of a run's only evaluation of this name."""
    (folder,) = (run / "evaluations").glob(f"{name}-*")
    return folder


def start(*words: object) -> "subprocess.Popen[str]":
    """Start the command in a process of its own, which hears Ctrl-C even if the tests run in a shell's background."""
    return subprocess.Popen(
        [sys.executable, "-m", "audiomnist", *map(str, words)],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
