"""Commands in processes of their own, forked from one that has loaded what they need: they start at once."""

import io
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.cli.command import Outcome

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "audiomnist.cli.app",
        "audiomnist.experiments.evaluate",
        "audiomnist.experiments.kfold",
        "audiomnist.experiments.train",
        "audiomnist.features.prep",
        "matplotlib.backends.backend_agg",
        "sklearn.model_selection",
        "tensorboard.summary.writer.event_file_writer",
    ]
)


class Forked:
    """A command that runs in a process group of its own, where it hears Ctrl-C.

    Parameters
    ----------
    *words : object
        The words of the command line.
    first : callable, optional
        What the process calls before the command, a function of a module.
    variables : mapping, optional
        Of the environment, besides the present ones.
    """

    def __init__(
        self, *words: object, first: Callable[[], object] | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self._printed = Path(tempfile.mkdtemp(prefix="audiomnist-forked-"))
        environment = {**os.environ, **(variables or {})}
        arguments = ([str(word) for word in words], first, environment, Path.cwd(), self._printed)
        self._process = _context.Process(target=_run, args=arguments)
        self._process.start()

    @property
    def exit_code(self) -> int | None:
        """None while the command runs, negative if a signal ended it."""
        return self._process.exitcode

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is the case, or the command has ended."""
        while self.exit_code is None and not is_so():
            time.sleep(0.005)

    def send(self, what: signal.Signals, *, children: bool = True) -> None:
        """Send a signal to the command, and to its children too."""
        self.wait_for(lambda: (self._printed / "stderr").exists())  # it has its group now
        assert self._process.pid
        (os.killpg if children else os.kill)(self._process.pid, what)

    def outcome(self) -> Outcome:
        """Wait for the end of the command."""
        self._process.join(600)
        assert self.exit_code is not None, "the command does not end"
        return Outcome(self.exit_code, *((self._printed / name).read_text() for name in ("stdout", "stderr")))

    def is_any_left(self) -> bool:
        """Whether a process of the command's group still runs."""
        try:
            os.killpg(self._process.pid or 0, 0)
        except ProcessLookupError:
            return False
        return True


def slow_epochs() -> None:
    """Let the process rest after each epoch, so that it can be stopped before the last."""
    from audiomnist.training.listeners import Checkpoint

    epoch_ended = Checkpoint.epoch_ended

    def epoch_ended_slowly(*arguments: Any) -> None:
        epoch_ended(*arguments)
        time.sleep(0.2)

    Checkpoint.epoch_ended = epoch_ended_slowly  # type: ignore[method-assign]


def without_unicode() -> None:
    """Let the process write to a terminal that knows ASCII alone."""
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(encoding="ascii")


def _run(
    words: list[str], first: Callable[[], object] | None, environment: dict[str, str], folder: Path, printed: Path
) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(printed / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if first:
        first()
    from audiomnist.cli.app import main

    sys.argv = ["audiomnist", *words]
    main()
