"""The command in processes that are killed at a chosen point of their writing, or at a chosen moment.

Started as a program it imports the command and all that its verbs load later, once, and forks for every request that
it reads: a line of JSON with the words of a command, where it is to be killed, and files for what it prints. It answers
with the exit code and the seconds it took.
"""

import builtins
import gc
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KILLED_AT, POINTS = "TEST_KILLED_AT", "TEST_POINTS"
CALLS = ("replace", "rename", "fsync", "unlink", "mkdir", "rmdir")


@dataclass(frozen=True)
class Ran:
    """What a command came to: its exit code, what it printed, the points that it passed, and how long it took."""

    exit_code: int
    printed: str
    n_points: int
    seconds: float


def kill_at_points() -> None:
    """Count the points before and after every call that changes what is on disk; end all processes at a chosen one."""
    for name in CALLS:
        setattr(os, name, _with_points(getattr(os, name)))
    io.open = builtins.open = _with_points(io.open, lambda file, mode="r", *rest, **options: set(mode) & set("wxa"))


def _with_points(call: Callable[..., Any], changes: Callable[..., object] = lambda *words, **options: True) -> Any:
    def called(*arguments: Any, **options: Any) -> Any:
        if not changes(*arguments, **options):
            return call(*arguments, **options)
        _pass_point()
        result = call(*arguments, **options)
        _pass_point()
        return result

    return called


def _pass_point() -> None:
    handle = os.open(os.environ[POINTS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, b".")
    point = os.lseek(handle, 0, os.SEEK_CUR)
    os.close(handle)
    if point == int(os.environ[KILLED_AT]):
        os.killpg(0, signal.SIGKILL)


class Commands:
    """A process that runs commands one by one, each in a fork of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, home: Path, *words: object, killed_at: int = 0, killed_after_s: float = 0) -> Ran:
        """Run a command, killed at a point, after some seconds, or not at all."""
        points, printed = self._folder / "points", self._folder / "printed"
        points.write_bytes(b"")
        request = {
            "words": [str(word) for word in words],
            "variables": {"AUDIOMNIST_HOME": str(home), KILLED_AT: str(killed_at), POINTS: str(points)},
            "printed": str(printed),
            "killed_after_s": killed_after_s,
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        exit_code, seconds = json.loads(self._process.stdout.readline())
        return Ran(exit_code, printed.read_text(), points.stat().st_size, seconds)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _serve() -> None:
    import onnxscript  # noqa: F401
    import sklearn.model_selection  # noqa: F401
    import torch.utils.tensorboard  # noqa: F401

    import audiomnist.evaluation.robustness.sweep
    import audiomnist.experiments.evaluate
    import audiomnist.experiments.kfold
    import audiomnist.experiments.train
    import audiomnist.features.mel
    import audiomnist.inference.export
    import audiomnist.page.export
    import audiomnist.synthesis.synthesize  # noqa: F401
    from audiomnist.cli.app import main
    from audiomnist.download import sources
    from audiomnist.reports.drawing import new_figure
    from tests.download.small_corpora import SMALL_FSDD

    sources.find_source = lambda name, **words: SMALL_FSDD
    figure = new_figure(1)
    figure.suptitle("fonts are loaded with the first figure")
    figure.savefig(io.BytesIO())
    gc.freeze()  # so that forks share their pages
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            os.setsid()
            os.environ |= request["variables"]
            output = os.open(request["printed"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.argv = ["audiomnist", *request["words"]]
            kill_at_points()
            try:
                main()
            except SystemExit as end:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(int(end.code or 0))  # taking all modules apart would last longer than most commands
        status = _ended(child, started + request["killed_after_s"] if request["killed_after_s"] else None)
        answer = [os.waitstatus_to_exitcode(status), time.monotonic() - started]
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _ended(child: int, kill_at_s: float | None) -> int:
    """Return the status of a child that ended, or was killed with all its own children at a moment."""
    while kill_at_s is not None:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() > kill_at_s:
            with suppress(ProcessLookupError):  # it has no group of its own yet
                os.killpg(child, signal.SIGKILL)
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(0.001)
    return os.waitpid(child, 0)[1]


if __name__ == "__mp_main__":  # a process that a command starts
    kill_at_points()
if __name__ == "__main__":
    _serve()
