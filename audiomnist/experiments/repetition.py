"""A run that repeats another one: what differs in where they were computed, and in what came out."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from audiomnist.runs.documents import Document
from audiomnist.runs.folder import RunFolder


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
