"""The environment of this process, as a run writes it down."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from audiomnist import __version__, distributed
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
        processor=f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}",
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        threads=torch.get_num_threads(),
        processes=distributed.size(),
    )


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


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
