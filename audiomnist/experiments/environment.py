"""The environment of this process, as a run writes it down, and what differs from it where a run is repeated."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import load_file

from audiomnist import __version__, distributed
from audiomnist.runs.documents import Document
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.record import Environment

_LIBRARIES = ("numpy", "scikit-learn", "scipy", "soundfile", "soxr", "torch")
_PACKAGE = Path(__file__).parent.parent


def environment(device: torch.device) -> Environment:
    """Return what this process computes with and on."""
    return Environment(
        command=shlex.join(sys.argv),
        audiomnist=__version__,
        python=platform.python_version(),
        git=_commit(),
        libraries={name: version(name) for name in _LIBRARIES},
        system=platform.platform(),
        processor=f"{processor()}, {torch.backends.cpu.get_cpu_capability()}",
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        threads=torch.get_num_threads(),
        processes=distributed.size(),
    )


def processor(*further: str) -> str:
    """Return the name of this machine's processor; on Linux with ``further`` lines of what the kernel knows of it."""
    known: dict[str, str] = {}
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            known.setdefault(name.strip(), value.strip())
    found = known.get("model name") or platform.processor() or platform.machine()
    return " ".join([found, *(f"{name} {known[name]}" for name in further if name in known)])


def _commit() -> str | None:
    """Return the commit that the package's source is checked out at, None if it is no checkout."""
    if not (_PACKAGE.parent / ".git").exists():
        return None

    def git(*words: str) -> str:
        asked = ("git", "-C", str(_PACKAGE), *words)
        return subprocess.run(
            asked, capture_output=True, text=True, check=True, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


class Repetition(Document):
    """A run beside the one that it repeats.

    Attributes
    ----------
    run : str
        The one that was repeated.
    differences : dict of str to tuple of str or None
        What is not the same in the environments: by name, the value then and now. None if the run was begun by an
        earlier version, which did not write its environment down.
    same_weights : bool or None
        Whether both networks are the same bit for bit; None if the run that was repeated has none.
    """

    run: str
    differences: dict[str, tuple[str, str]] | None
    same_weights: bool | None

    @classmethod
    def of(cls, like: Path, run: Path) -> Repetition:
        """Compare two runs."""
        first, again = RunFolder.open(like), RunFolder(run)
        same = _same(first.model, again.model) if first.model.exists() and again.model.exists() else None
        return cls(run=str(like), differences=environment_differences(first, again), same_weights=same)


def environment_differences(first: RunFolder, again: RunFolder) -> dict[str, tuple[str, str]] | None:
    """Return what is not the same in the environments of two runs, None if it is not known of one."""
    then, now = (record.environment if (record := run.record) else None for run in (first, again))
    return then.differences(now) if then and now else None


def _same(first: Path, second: Path) -> bool:
    ours, theirs = load_file(first), load_file(second)
    return ours.keys() == theirs.keys() and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
