"""Ctrl-C and SIGTERM: obeyed at once, or at the next safe point of work that has such; a second ends the process."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from audiomnist.errors import Interrupted, Terminated

PATIENCE_S = 10  # for a worker to come to a safe point
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_received: int | None = None
_n_regions = 0


class Termination(KeyboardInterrupt):
    """SIGTERM; whoever handles Ctrl-C handles it too."""


@contextmanager
def handled() -> Iterator[None]:
    """Handle both signals while the block runs, unless the process was started to ignore them."""
    global _received
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _received = None
    ours = [number for number in _SIGNALS if signal.getsignal(number) not in {signal.SIG_IGN, None}]
    before = [(number, signal.signal(number, _receive)) for number in ours]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def handled_in_worker() -> None:
    """Leave Ctrl-C to the parent of this process, and end it on SIGTERM: at a safe point if one comes soon."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _receive_in_worker)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


@contextmanager
def at_safe_points() -> Iterator[None]:
    """Put off a stop while the block runs, to the next ``check`` or to the end of the outermost block."""
    global _n_regions
    _n_regions += 1
    try:
        yield
    finally:
        _n_regions -= 1
    if not _n_regions:
        check()


def is_asked() -> bool:
    """Return whether the next ``check`` will stop."""
    return _received is not None


def check() -> None:
    """Stop here if that was asked for: nothing is half done at this point.

    Raises
    ------
    KeyboardInterrupt
        Or ``Termination``.
    """
    if _received is not None:
        raise Termination if _received == signal.SIGTERM else KeyboardInterrupt


def as_error(by: BaseException, message: str, hint: str) -> Interrupted:
    """Return the error that tells of a stop."""
    return (Terminated if isinstance(by, Termination) else Interrupted)(message, hint)


def _receive(number: int, frame: object) -> None:
    global _received
    if _received is not None:
        if sys.stderr.isatty():
            os.write(2, b"\x1b[?25h\n")  # a progress bar hides the cursor
        os._exit(128 + number)
    _received = number
    if not _n_regions:
        check()


def _receive_in_worker(number: int, frame: object) -> None:
    global _received
    if not _n_regions:
        os._exit(128 + number)
    if _received is None:
        timer = threading.Timer(PATIENCE_S, os._exit, [128 + number])
        timer.daemon = True
        timer.start()
    _received = number
