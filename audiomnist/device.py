"""Where the work runs: device, precision, seeding."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from audiomnist import distributed
from audiomnist.errors import ConfigError

if TYPE_CHECKING:
    import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def select_device(name: str = "auto") -> torch.device:
    """Return the device called ``name``: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    ``auto`` takes the first CUDA device, else Apple's MPS, else the CPU. Of several processes on a machine each takes
    the CUDA device of its own number, or all take the CPU.

    Raises ConfigError if the device is unknown or not on this machine.
    """
    import torch

    if distributed.size() > 1:
        return _device_of_one_of_several(name)
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in {"cpu", "cuda", "mps"}:
        raise ConfigError(f"--device {name}: no such device", "use auto, cpu, cuda, cuda:N or mps")
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            found = f"{count} CUDA device{'s' if count > 1 else ''}" if count else "no CUDA device"
            raise ConfigError(f"--device {name}: this machine has {found}", "use --device auto or --device cpu")
        return torch.device("cuda", device.index or 0)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(f"--device {name}: this machine has no MPS", "use --device auto or --device cpu")
    return device


def _device_of_one_of_several(name: str) -> torch.device:
    import torch

    if name not in {"auto", "cpu", "cuda"}:
        raise ConfigError(f"--device {name}: under torchrun each process takes its own", "use auto, cpu or cuda")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    count, needed = torch.cuda.device_count(), distributed.local_size()
    if count < needed:
        raise ConfigError(
            f"--device {name}: {needed} processes need as many CUDA devices, and this machine has {count}",
            f"use --nproc-per-node={count} or --device cpu" if count else "use --device cpu",
        )
    torch.cuda.set_device(distributed.local_rank())
    return torch.device("cuda", distributed.local_rank())


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return the context a network is trained in: bfloat16 where that is faster, else full precision.

    That is a GPU that has it, and a CPU with AMX tiles or the bfloat16 of AVX-512. Features stay in float32
    everywhere: mel power spans more than half precision can hold. What is tested, and what is predicted, is computed
    in full precision.
    """
    import torch

    known = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    if known.get("amx_bf16") or known.get("avx512_bf16"):
        return torch.autocast("cpu", dtype=torch.bfloat16)
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def single_threaded_torch() -> Iterator[None]:
    """Leave the cores to our own threads; nested parallelism only makes them wait for each other."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@cache
def keep_freed_memory() -> None:
    """Have the C library keep memory that was freed, as the next batch needs as much again.

    By default glibc hands it back to the kernel in every training step and asks for it again, and each page that comes
    back costs a fault. Other C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, 1 << 30)
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the highest that glibc takes


def seed_everything(seed: int) -> None:
    """Seed the global generators and choose deterministic kernels.

    Only weight initialisation uses the global generator; everything else is given one of its own.
    """
    import torch

    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def generator(device: torch.device, *keys: int) -> torch.Generator:
    """Return a generator on ``device`` whose stream is a function of ``keys`` alone.

    Keying by (seed, epoch) in place of one running stream gives a resumed run the numbers that an unbroken one has.
    """
    import numpy as np
    import torch

    state = int(np.random.SeedSequence(keys).generate_state(1, np.uint64)[0])
    return torch.Generator(device).manual_seed(state & (2**63 - 1))
