"""Timing side by side, child processes with their memory, and what the machine is."""

import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audiomnist.experiments.environment import processor

ROUNDS = 3
CPU = torch.device("cpu")
_SAMPLE_EVERY_S = 0.05
_FLAGS = ("avx2", "avx512_f", "avx512_bf16", "amx_tile", "amx_bf16")
Work = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """A measured figure and the one it is held against; of seconds, milliseconds and megabytes less is better."""

    name: str
    value: float
    unit: str
    against: str
    limit: float

    @property
    def ratio(self) -> float:
        return self.value / self.limit


@dataclass(frozen=True)
class Usage:
    """What a process took: seconds, and the most memory it held, in MB.

    ``own_mb`` is its anonymous memory. ``mapped_mb`` are pages of files, which the kernel takes back when it needs
    them; the two peaks need not be of the same moment, so ``peak_mb`` may be less than their sum.
    """

    seconds: float
    peak_mb: float
    own_mb: float
    mapped_mb: float


def interleaved(works: Mapping[str, Work]) -> dict[str, float]:
    """Return the median seconds of several works, done in turn after a warm-up of each."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for attempt in range(ROUNDS + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if attempt:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def paired_rates(count: int, work: Work, limit: Work) -> tuple[float, float]:
    """Return the rates of two ways through ``count`` items."""
    seconds = interleaved({"work": work, "limit": limit})
    return count / seconds["work"], count / seconds["limit"]


def run_child(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[Usage, str]:
    """Run Python in a process of its own and watch its memory; return what it took and what it printed.

    The peak is read from the process while it lives: what ``wait4`` tells begins with the memory of the parent.
    Where there is no ``/proc`` the memory is 0.

    Raises
    ------
    RuntimeError
        With what it printed to its standard error, if it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peaks_kb = dict.fromkeys(("VmHWM", "RssAnon", "RssFile"), 0)
    watch = threading.Thread(target=_watch, args=(process, peaks_kb))
    watch.start()
    printed, errors = process.communicate()
    seconds = time.perf_counter() - started
    watch.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:200]} ended with {process.returncode}\n{errors[-3000:]}")
    return Usage(seconds, *(kilobytes * 1024 / 1e6 for kilobytes in peaks_kb.values())), printed


def _watch(process: subprocess.Popen[str], peaks_kb: dict[str, int]) -> None:
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            lines = status.read_text(encoding="ascii").splitlines()
        except OSError:
            return
        for name, _, value in (line.partition(":") for line in lines):
            if name in peaks_kb:
                peaks_kb[name] = max(peaks_kb[name], int(value.split()[0]))
        time.sleep(_SAMPLE_EVERY_S)


def limit_threads(n_threads: int) -> None:
    """Leave this process, and those it starts, so many threads and as many cores."""
    torch.set_num_threads(n_threads)
    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_threads])


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    capabilities = torch.cpu.get_capabilities()
    return {
        "cpu": processor("cpu family", "model"),
        "cores": os.cpu_count(),
        "instructions": [flag for flag in _FLAGS if capabilities.get(flag)],
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def spread(count: int, most: int) -> Sequence[int]:
    """Return at most so many of ``count`` positions, evenly spread."""
    return range(0, count, -(-count // most))
