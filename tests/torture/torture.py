"""Kill a command wherever it writes, start it again, and compare with what one that was left alone makes."""

import csv
import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from tests.cli.command import SMALL, weights
from tests.conftest import write_corpus
from tests.download.http_server import FaultyServer
from tests.download.small_corpora import SMALL_FSDD, repository_files, zip_bytes
from tests.torture.killed import Commands

VERBS = ("synth", "download", "prep", "train", "kfold", "evaluate", "export", "export-onnx")
_WITH_FEATURES = ("train", "kfold", "evaluate")
_WITH_RUN = ("evaluate", "export", "export-onnx")
_SETTINGS = (*SMALL, "--set", "optim.epochs=3", "--set", "optim.ema=0.5")
_GO_ON = re.compile(r"audiomnist ((?:train|kfold) --resume \S+)")
_TIMES = {"seconds", "train_seconds", "clips_per_second", "started", "run", "weights"}


@dataclass(frozen=True)
class Outcome:
    """How often a command was killed: at how many of its points, and at how many moments."""

    n_points: int
    n_at_points: int
    n_at_moments: int


class Torture:
    """Verbs that are killed and started again in a folder; what they start from is made once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._home = folder, folder / "home"
        self._corpus = write_corpus(folder / "corpus", speakers=2, repetitions=3)
        self._other = write_corpus(folder / "other", speakers=2, repetitions=1, seed=1)
        self._commands = Commands(folder)
        self._server = FaultyServer(zip_bytes(repository_files(SMALL_FSDD)))

    def __enter__(self) -> "Torture":
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._commands.close()
        self._server.__exit__(kind, error, trace)

    def kill(
        self, verb: str, n_points: int, n_moments: int, seed: int, say: Callable[[str], None] = lambda text: None
    ) -> Outcome:
        """Kill a verb at so many of its points and moments, drawn with a seed; finish it and compare each time.

        Where it has fewer points it is killed at each of them, and at more moments for it.

        Raises
        ------
        AssertionError
            If it does not finish, or comes to something else than a command that was left alone.
        """
        draw = random.Random(seed)
        self._start_afresh(verb)
        left_alone = self._succeed(*self._words(verb))
        expected = _made(self._home)
        points = sorted(draw.sample(range(1, left_alone.n_points + 1), min(n_points, left_alone.n_points)))
        moments = sorted(draw.uniform(0, left_alone.seconds) for _ in range(n_moments + n_points - len(points)))
        kills: list[dict[str, Any]] = [{"killed_at": point} for point in points]
        kills += [{"killed_after_s": moment} for moment in moments]
        n_killed = {"killed_at": 0, "killed_after_s": 0}
        for kill in kills:
            self._start_afresh(verb)
            ran = self._commands.run(self._home, *self._words(verb), **kill)
            assert ran.exit_code in {-9, 0}, ran.printed  # 0 where it was through before that
            ((kind, place),) = kill.items()
            n_killed[kind] += ran.exit_code != 0
            fault = self._finish(verb) or _differing(_made(self._home), expected)
            assert not fault, f"{verb}, seed {seed}, {kind} {place} of {left_alone}: {fault}"
            say(f"{verb}: {kind} {place:.4g}, exit code {ran.exit_code}")
        return Outcome(left_alone.n_points, *n_killed.values())

    def _words(self, verb: str) -> tuple[object, ...]:
        corpus, run = self._corpus, self._home / "run"
        return {
            "synth": ("synth", "--out", self._home / "voices", "--speakers", 2, "--repetitions", 2, "--jobs", 2),
            "download": ("download", "fsdd", "--from", self._server.url),
            "prep": ("prep", "--data", corpus, *_SETTINGS),
            "train": ("train", "--data", corpus, *_SETTINGS, "--run", run),
            "kfold": ("kfold", "--data", corpus, *_SETTINGS, "--folds", 3, "--jobs", 2, "--run", run),
            "evaluate": ("evaluate", run, "--data", self._other, "--robustness"),
            "export": ("export", run, "--format", "html"),
            "export-onnx": ("export", run, "--format", "onnx"),
        }[verb]

    def _start_afresh(self, verb: str) -> None:
        """Put home what a verb starts from."""
        shutil.rmtree(self._home, ignore_errors=True)
        kept = self._folder / f"before-{verb in _WITH_FEATURES}-{verb in _WITH_RUN}"
        if not kept.exists():
            self._home.mkdir()
            if verb in _WITH_FEATURES:
                self._succeed(*self._words("prep"))
            if verb in _WITH_RUN:
                self._succeed(*self._words("train"))
            self._home.rename(kept)
        shutil.copytree(kept, self._home)

    def _succeed(self, *words: object) -> Any:
        ran = self._commands.run(self._home, *words)
        assert ran.exit_code == 0, ran.printed
        return ran

    def _finish(self, verb: str) -> str:
        """Give the same command again, or the one that it names; return what is printed if that fails."""
        ran = self._commands.run(self._home, *self._words(verb))
        if ran.exit_code == 3 and (named := _GO_ON.search(ran.printed)):
            ran = self._commands.run(self._home, *named[1].split())
        return ran.printed if ran.exit_code else ""


def _made(home: Path) -> dict[str, Any]:
    """Return what is in a home, file by file, as far as two runs have it in common."""
    return {str(path.relative_to(home)): _content(path) for path in sorted(home.rglob("*")) if path.is_file()}


def _content(path: Path) -> Any:
    match path.suffix:
        case ".safetensors":
            return weights(path.parent)
        case ".pt":
            return _state(path)
        case ".jsonl":
            return [_without_times(json.loads(line)) for line in path.read_text().splitlines()]
        case ".csv":
            return list(csv.reader(path.open(newline="")))
        case ".json" if path.name != "record.json":
            return _without_times(json.loads(path.read_text()))
        case ".f32" | ".npz" | ".png" | ".yaml" | ".wav" | ".txt" | ".onnx":
            return path.read_bytes()
    return None  # that it is there must do


def _state(path: Path) -> Any:
    """Return a resume state bit for bit; it holds moments of an optimiser that has done steps."""
    state = torch.load(path, weights_only=True)
    for name in ("means", "squares"):
        assert any(moments.count_nonzero() for moments in state["optimizer"][name]), path
    assert state["average"], path
    return _without_times(state)


def _without_times(document: Any) -> Any:
    if isinstance(document, torch.Tensor):
        return document.numpy().tobytes()
    if isinstance(document, dict):
        return {key: _without_times(value) for key, value in document.items() if key not in _TIMES}
    return [_without_times(item) for item in document] if isinstance(document, list | tuple) else document


def _differing(made: dict[str, Any], expected: dict[str, Any]) -> str:
    """Name the files that differ, or are in one of the homes only."""
    names = {name for name in made.keys() | expected.keys() if "tfevents" not in name}
    return ", ".join(sorted(name for name in names if made.get(name, "no file") != expected.get(name, "no file")))
