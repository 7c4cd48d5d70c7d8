"""Whole commands in processes of their own: start-up, seconds from nothing to a result, memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiomnist.config import load, version_path
from suite.learning import Learner
from suite.measuring import Figure, Usage, interleaved, run_child

_HEAVY = ("torch", "torchaudio", "sklearn", "scipy", "matplotlib")
_WITH_MODULES = (
    "import sys; from typer.testing import CliRunner; from audiomnist.cli.app import app;"
    f"CliRunner().invoke(app, ['--help']); print(*(name for name in {_HEAVY} if name in sys.modules))"
)
# Ends where the first epoch would begin, and says so, as the command must not end well any other way.
_TO_FIRST_STEP = (
    "import os; from audiomnist.training.trainer import Trainer; from audiomnist.cli.app import main\n"
    "Trainer._train_epoch = lambda *_: (print('first step', flush=True), os._exit(0))\n"
    "main()"
)


def help_imports() -> list[str]:
    """Return which heavy packages ``audiomnist --help`` imports."""
    return run_child("-c", _WITH_MODULES)[1].split()


def start_up_figures(corpus: Path, home: Path) -> list[Figure]:
    """Time ``--help``, and ``train`` until its first step with the store ready, against ``import torch``."""

    def to_first_step() -> None:
        with _new_run(home) as run:
            _command(
                "train", "--version", "v2", "--data", str(corpus), "--run", str(run), home=home, to_first_step=True
            )

    seconds = interleaved(
        {
            "help": lambda: _command("--help", home=home),
            "first step": to_first_step,
            "torch": lambda: run_child("-c", "import torch"),
        }
    )
    return [
        Figure("audiomnist --help", seconds["help"], "s", "import torch", seconds["torch"]),
        Figure("train, start to first step", seconds["first step"], "s", "import torch", seconds["torch"]),
    ]


def memory_figures(corpus: Path, home: Path) -> list[Figure]:
    """Return the most memory that prep and training hold, against ``import torch``."""
    bare = run_child("-c", "import torch")[0]
    with tempfile.TemporaryDirectory(dir=home) as fresh:
        prep = _command("prep", "--version", "v2", "--data", str(corpus), home=Path(fresh))
    with _new_run(home) as run:
        one_epoch = ("--set", "optim.epochs=1", "--run", str(run))
        training = _command("train", "--version", "v2", "--data", str(corpus), *one_epoch, home=home)
    figures = []
    for name, usage in (("prep", prep), ("train", training)):
        figures.append(Figure(f"memory of {name}, own", usage.own_mb, "MB", "import torch", bare.own_mb))
        figures.append(Figure(f"memory of {name}, with files", usage.peak_mb, "MB", "import torch", bare.peak_mb))
    return figures


def whole_figures(version: str, learner: Learner, corpus: Path, home: Path) -> list[Figure]:
    """Time ``audiomnist train``, first without a store and again with it, against its bare steps alone."""
    epochs = load(version_path(version)).optim.epochs
    seconds = interleaved({"steps": learner.bare_steps()})["steps"]
    limit = epochs * seconds * learner.n_train / learner.n_clips
    figures = []
    with tempfile.TemporaryDirectory(dir=home) as fresh:
        for state in ("without a store", "with its store"):
            with _new_run(Path(fresh)) as run:
                usage = _command(
                    "train", "--version", version, "--data", str(corpus), "--run", str(run), home=Path(fresh)
                )
            name = f"train {version}, {state}"
            figures.append(Figure(name, usage.seconds, "s", "its bare steps", limit))
            figures.append(Figure(f"{name}, own memory", usage.own_mb, "MB", "with files", usage.peak_mb))
    return figures


def _command(*arguments: str, home: Path, to_first_step: bool = False) -> Usage:
    program = ("-c", _TO_FIRST_STEP) if to_first_step else ("-m", "audiomnist")
    usage, printed = run_child(*program, *arguments, environment={"AUDIOMNIST_HOME": str(home)})
    if to_first_step and "first step" not in printed:
        raise RuntimeError(f"the command ended before its first step: {printed}")
    return usage


@contextmanager
def _new_run(home: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=home) as folder:
        yield Path(folder, "run")
