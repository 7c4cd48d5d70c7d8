"""What a run is computed with and on: another machine must have the same to compute the same, bit for bit."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from audiomnist import __version__
from audiomnist.runs.documents import Document

_LIBRARIES = ("numpy", "scikit-learn", "scipy", "soundfile", "soxr", "torch")
_PACKAGE = Path(__file__).parent.parent


class Environment(Document):
    """A program, a machine, and how the one was started on the other.

    Attributes
    ----------
    command : str
        As it could be typed again.
    audiomnist, python : str
        Versions.
    git : str or None
        Commit of the source that the program runs from, with ``+`` if files were changed; None if it is installed.
    libraries : dict of str to str
        Versions of what numbers depend on.
    system, processor : str
        Operating system, and the processor with the kernels that torch chooses on it.
    device : str
        Where the network was trained.
    threads, processes : int
        Of torch in each process, and processes that trained together.
    """

    command: str
    audiomnist: str
    python: str
    git: str | None
    libraries: dict[str, str]
    system: str
    processor: str
    device: str
    threads: int
    processes: int

    @classmethod
    def here(cls, device: str, processes: int) -> Environment:
        """Describe this process."""
        import torch

        return cls(
            command=shlex.join(sys.argv),
            audiomnist=__version__,
            python=platform.python_version(),
            git=_commit(),
            libraries={name: version(name) for name in _LIBRARIES},
            system=platform.platform(),
            processor=f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}",
            device=torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
            threads=torch.get_num_threads(),
            processes=processes,
        )

    def differences(self, other: Environment) -> dict[str, tuple[str, str]]:
        """Return what is not the same in another environment but the command: by name, the value here and there."""
        ours, theirs = self._table(), other._table()
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        return {name: (ours.get(name, "none"), theirs.get(name, "none")) for name in names}

    def _table(self) -> dict[str, str]:
        values = self.plain()
        del values["command"]
        return {name: str(value) for name, value in (values | values.pop("libraries")).items()}


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
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        return subprocess.run(asked, capture_output=True, text=True, check=True, env=environment).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
