"""Worker processes that leave Ctrl-C to their parent, stop at safe points and do not outlive it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import Any, TypeVar

from audiomnist import stopping

Result = TypeVar("Result")


@contextmanager
def worker_pool(jobs: int | None) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of spawned processes, one per core by default; on an error stop them.

    They are spawned because a fork of a process with threads can hang.
    """
    others = set(active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_serve)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        ends_at = time.monotonic() + stopping.PATIENCE_S
        while workers := set(active_children()) - others:
            for process in workers:  # told again, one that has come to its safe point ends at once
                (process.terminate if time.monotonic() < ends_at else process.kill)()
            time.sleep(0.05)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def submit_all(
    pool: ProcessPoolExecutor, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]]
) -> list[Future[Result]]:
    """Submit calls, by which the processes start, so that signals wait from their first instruction until they serve.

    They inherit that signals are held back, which here they are for so long only; none is lost.
    """
    if not hasattr(signal, "pthread_sigmask"):
        return [pool.submit(function, *call) for call in calls]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        return [pool.submit(function, *call) for call in calls]
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve() -> None:
    stopping.handled_in_worker()
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
