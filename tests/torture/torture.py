"""Kill a command wherever it writes, start it again, and compare with what one that was left alone makes."""

import csv
import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.command import SMALL, weights
from tests.conftest import write_corpus
from tests.torture.killed import Commands

VERBS = ("prep", "train", "kfold", "evaluate")
_SETTINGS = (*SMALL, "--set", "optim.epochs=3")
_GO_ON = re.compile(r"audiomnist ((?:train|kfold) --resume \S+)")
_TIMES = {"seconds", "train_seconds", "clips_per_second", "started", "run", "weights"}


@dataclass(frozen=True)
class Outcome:
    """How often a command was killed, and out of how many points."""

    verb: str
    n_points: int
    n_killed: int


def torture(
    verb: str, n_points: int, seed: int, folder: Path, say: Callable[[str], None] = lambda text: None
) -> Outcome:
    """Kill a verb at so many of its points, drawn with a seed; raise AssertionError where a result differs."""
    corpus = write_corpus(folder / "corpus", speakers=2, repetitions=3)
    before = folder / "before"
    commands = Commands(folder)
    try:
        if verb != "prep":
            _succeed(commands, before, "prep", "--data", corpus, *_SETTINGS)
        if verb == "evaluate":
            _succeed(commands, before, "train", "--data", corpus, *_SETTINGS, "--run", before / "run")
        before.mkdir(exist_ok=True)
        home = folder / "home"

        def words() -> tuple[object, ...]:
            return {
                "prep": ("prep", "--data", corpus, *_SETTINGS),
                "train": ("train", "--data", corpus, *_SETTINGS, "--run", home / "run"),
                "kfold": ("kfold", "--data", corpus, *_SETTINGS, "--folds", 3, "--jobs", 2, "--run", home / "run"),
                "evaluate": ("evaluate", home / "run", "--data", corpus, "--robustness"),
            }[verb]

        def started_afresh() -> None:
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(before, home)

        started_afresh()
        n_passed = _succeed(commands, home, *words())
        expected = _made(home)
        points = sorted(random.Random(seed).sample(range(1, n_passed + 1), min(n_points, n_passed)))
        n_killed = 0
        for point in points:
            started_afresh()
            exit_code, printed, _ = commands.run(home, *words(), killed_at=point)
            assert exit_code in {-9, 0}, printed  # 0 where two processes count to fewer points
            n_killed += exit_code != 0
            fault = _finish(commands, home, *words()) or _differing(_made(home), expected)
            assert not fault, f"{verb} killed at point {point} of {n_passed}: {fault}"
            say(f"{verb}: point {point} of {n_passed}, exit code {exit_code}")
        return Outcome(verb, n_passed, n_killed)
    finally:
        commands.close()


def _succeed(commands: Commands, home: Path, *words: object) -> int:
    exit_code, printed, n_points = commands.run(home, *words)
    assert exit_code == 0, printed
    return n_points


def _finish(commands: Commands, home: Path, *words: object) -> str:
    """Give the same command again, or the one that it names; return what is printed if that fails."""
    exit_code, printed, _ = commands.run(home, *words)
    if exit_code == 3 and (named := _GO_ON.search(printed)):
        exit_code, printed, _ = commands.run(home, *named[1].split())
    return printed if exit_code else ""


def _made(home: Path) -> dict[str, Any]:
    """Return what is in a home, file by file, as far as two runs have it in common."""
    return {str(path.relative_to(home)): _content(path) for path in sorted(home.rglob("*")) if path.is_file()}


def _content(path: Path) -> Any:
    match path.suffix:
        case ".safetensors":
            return weights(path.parent)
        case ".jsonl":
            return [_without_times(json.loads(line)) for line in path.read_text().splitlines()]
        case ".csv":
            return list(csv.reader(path.open(newline="")))
        case ".json" if path.name != "record.json":
            return _without_times(json.loads(path.read_text()))
        case ".f32" | ".npz" | ".png" | ".yaml":
            return path.read_bytes()
    return None  # that it is there must do


def _without_times(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _without_times(value) for key, value in document.items() if key not in _TIMES}
    return [_without_times(item) for item in document] if isinstance(document, list) else document


def _differing(made: dict[str, Any], expected: dict[str, Any]) -> str:
    """Name the files that differ, or are in one of the homes only."""
    names = {name for name in made.keys() | expected.keys() if "tfevents" not in name}
    return ", ".join(sorted(name for name in names if made.get(name, "no file") != expected.get(name, "no file")))
