"""The command in processes that are killed at a chosen point of their writing.

Started as a program it imports the command once, then forks for every request it reads: a line of JSON with the words
of a command, where it is to be killed (0 for nowhere), and files for what it prints. It answers with the exit code.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED_AT, POINTS = "TEST_KILLED_AT", "TEST_POINTS"
CALLS = ("replace", "rename", "fsync", "unlink", "mkdir")


def kill_at_points() -> None:
    """Count the points before and after every call that changes what is on disk; end all processes at a chosen one."""
    for name in CALLS:
        setattr(os, name, _with_points(getattr(os, name)))


def _with_points(call: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any, **options: Any) -> Any:
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

    def run(self, home: Path, *words: object, killed_at: int = 0) -> tuple[int, str, int]:
        """Run a command; return its exit code, what it printed, and how many points it passed."""
        points, printed = self._folder / "points", self._folder / "printed"
        points.write_bytes(b"")
        request = {
            "words": [str(word) for word in words],
            "variables": {"AUDIOMNIST_HOME": str(home), KILLED_AT: str(killed_at), POINTS: str(points)},
            "printed": str(printed),
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        exit_code = int(self._process.stdout.readline())
        return exit_code, printed.read_text(), points.stat().st_size

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _serve() -> None:
    import audiomnist.experiments.evaluate
    import audiomnist.experiments.kfold
    import audiomnist.experiments.train
    import audiomnist.features.prep  # noqa: F401
    from audiomnist.cli.app import main

    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            os.environ |= request["variables"]
            output = os.open(request["printed"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.argv = ["audiomnist", *request["words"]]
            kill_at_points()
            main()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__mp_main__":  # a process that kfold starts
    kill_at_points()
if __name__ == "__main__":
    _serve()
