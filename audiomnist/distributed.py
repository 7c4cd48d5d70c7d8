"""Several processes that work as one, as ``torchrun`` starts them, on one machine or on many.

Where there is one process, every function here does next to nothing, and torch.distributed is not loaded. What is
collective (``by_first``, ``gathered``, ``summed``, ``stacked``) must be called by all processes in the same order.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from audiomnist.errors import AudiomnistError, UsageError, first_line

if TYPE_CHECKING:
    import torch
    from torch import nn

Value = TypeVar("Value")

TIMEOUT_S = "AUDIOMNIST_JOB_TIMEOUT_S"  # a process that does not answer for so long has ended; 1800 by default
_MEETING = timedelta(minutes=2)
_LOOK_S = 0.5
_BEAT_S = 1.0
_ENDED = "another process of this job has ended"
_CAUSE = "see the cause in torchrun's output, then start the job again"

_rank, _size = 0, 1
_prints = True
_store: Any = None
_silence_s = 1800.0
_has_left = threading.Event()


class JobEnded(AudiomnistError):
    """Another process of the job is gone, or all were told to stop; what was reached is on disk."""


def is_one_of_several() -> bool:
    """Whether torchrun started this process as one of several; WORLD_SIZE alone is set by clusters for any program."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def begin() -> None:
    """Join the job, if torchrun started this process as a part of one.

    Raises UsageError if the job's variables are no numbers, or its processes do not meet.
    """
    global _rank, _size, _prints, _store, _silence_s
    if not is_one_of_several():
        return
    import torch.distributed
    from torch.distributed.rendezvous import rendezvous

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]  # Python handlers do not run while it waits
    try:
        _silence_s = float(os.environ.get(TIMEOUT_S, _silence_s))
        store, rank, size = next(rendezvous("env://", timeout=_MEETING))
        # No backend is named: each device brings its own, gloo or NCCL.
        torch.distributed.init_process_group(
            store=store, rank=rank, world_size=size, timeout=timedelta(seconds=_silence_s)
        )
    except (ValueError, RuntimeError, OverflowError) as error:
        raise UsageError(
            f"the processes of this job did not find each other: {first_line(error)}", "start them with torchrun"
        ) from error
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    _store, _rank, _size = store, rank, size
    _prints = _rank == 0
    threading.Thread(target=_beat, args=(store, rank, os.getppid()), daemon=True).start()
    signal.signal(signal.SIGTERM, _stop)


def rank() -> int:
    """Return this process's number, from 0."""
    return _rank


def size() -> int:
    """Return how many processes work together here."""
    return _size


def local_rank() -> int:
    """Return this process's number among those of its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_size() -> int:
    """Return how many processes of the job run on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if _size > 1 else 1


def prints() -> bool:
    """Whether this process prints results and messages: the first of the job does."""
    return _prints


def share(n_items: int) -> slice:
    """Return this process's part of so many items; the parts follow each other in the order of ranks."""
    return slice(n_items * _rank // _size, n_items * (_rank + 1) // _size)


def by_first(function: Callable[[], Value]) -> Value:
    """Call a function in the first process alone, and return in all what it returned. Collective."""
    if _size == 1:
        return function()
    import torch.distributed

    box: list[Any] = [function() if _rank == 0 else None]
    torch.distributed.broadcast_object_list(box)
    value: Value = box[0]
    return value


def gathered(value: Value) -> list[Value]:
    """Return every process's value, in the order of ranks. Collective."""
    if _size == 1:
        return [value]
    import torch.distributed

    values: list[Any] = [None] * _size
    torch.distributed.all_gather_object(values, value)
    return values


def wait_for_all() -> None:
    """Return when every process has come here, however long the work of another takes. Collective.

    Raises JobEnded if one gives no sign of life for as long as the job's processes may be silent.
    """
    if _size == 1:
        return
    _store.add("waiting", 1)
    heard = {number: (0, time.monotonic()) for number in range(_size)}
    while int(_store.add("waiting", 0)) < _size:
        now = time.monotonic()
        for number, (beats, since) in heard.items():
            beats_now = int(_store.add(f"beats of {number}", 0))
            if beats_now != beats:
                heard[number] = beats_now, now
            elif now - since > _silence_s:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun's, for the same reason
                raise JobEnded(_ENDED, _CAUSE)
        time.sleep(_LOOK_S)


def _beat(store: Any, number: int, torchrun: int) -> None:
    """Count up for as long as this process runs, so that others know that it works on something long.

    Where torchrun itself was killed, stop the process as torchrun would have: nobody else does, or sees what it does.
    """
    is_kept = True
    while not _has_left.wait(_BEAT_S):
        if os.getppid() != torchrun:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        if is_kept:
            try:
                store.add(f"beats of {number}", 1)
            except RuntimeError:
                is_kept = False  # the process that keeps the store is gone


def summed(values: torch.Tensor) -> torch.Tensor:
    """Replace a tensor by the sum of every process's, and return it. Collective."""
    if _size > 1:
        import torch.distributed

        torch.distributed.all_reduce(values)
    return values


def stacked(values: torch.Tensor) -> torch.Tensor:
    """Return every process's tensor, of one shape, in the order of ranks: Tensor[size, ...]. Collective."""
    import torch

    if _size == 1:
        return values[None]
    parts = [torch.empty_like(values) for _ in range(_size)]
    torch.distributed.all_gather(parts, values)
    return torch.stack(parts)


def parallel(network: nn.Module) -> nn.Module:
    """Return a network that is trained on the batches of all processes together; its parameters are the given one's."""
    if _size == 1:
        return network
    from torch.nn import SyncBatchNorm
    from torch.nn.parallel import DistributedDataParallel

    if next(network.parameters()).device.type == "cuda":
        network = SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated")  # torch 2.11 has no other name for it
    warnings.filterwarnings("ignore", "Grad strides do not match")  # filters of one channel have several strides alike
    return DistributedDataParallel(network, broadcast_buffers=False)


@contextmanager
def alone() -> Iterator[None]:
    """Let each process work for itself, as if there were no other."""
    global _rank, _size
    before = _rank, _size
    _rank, _size = 0, 1
    try:
        yield
    finally:
        _rank, _size = before


def leave() -> None:
    """Leave the job, if this process is part of one; nothing collective may be called after it."""
    if _store is not None and _size > 1:
        import torch.distributed

        _has_left.set()
        torch.distributed.destroy_process_group()


@contextmanager
def lost_connections_reported() -> Iterator[None]:
    """Turn a lost connection to another process into JobEnded."""
    try:
        yield
    except RuntimeError as error:
        if _store is None or not _is_lost_connection(error):
            raise
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun's, for the same reason
        raise JobEnded(_ENDED, _CAUSE) from error


def may_report() -> bool:
    """Return whether this process should report why it fails: one of each machine does, the first that asks.

    Most errors are met by all processes, and the others end because the first did.
    """
    if _store is None:
        return not is_one_of_several() or os.environ.get("LOCAL_RANK", "0") == "0"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun stops the rest of a job that fails; let this one finish
    try:
        return int(_store.add(f"reported by machine {os.environ.get('GROUP_RANK', '0')}", 1)) == 1
    except RuntimeError:  # the machine that keeps the store is gone
        return local_rank() == 0


def _stop(signal_number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise JobEnded(f"{_ENDED}, or the job was told to stop", _CAUSE)


def _is_lost_connection(error: RuntimeError) -> bool:
    import torch.distributed

    return isinstance(error, torch.distributed.DistError) or "gloo/transport" in str(error)
