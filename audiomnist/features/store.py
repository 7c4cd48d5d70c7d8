"""Mel power of a whole corpus on disk: memory-mapped, ragged, known by a fingerprint.

A store is a folder: ``frames.f32`` (float32, row-major, one row of mel power per frame, a last row of zeros that
stands for silence), ``index.npz`` (an entry per clip, in the order of the corpus) and ``store.json``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Features
from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError

if TYPE_CHECKING:
    import torch

FORMAT = 1


@dataclass(frozen=True)
class Index:
    """Where each clip's frames lie, and what of its waveform is needed later.

    Attributes
    ----------
    starts : int64 array [n_clips]
        First row of each clip.
    n_frames : int64 array [n_clips]
    n_samples : int64 array [n_clips]
        Length at the store's sample rate.
    lowest, highest : float32 array [n_clips]
        Extreme sample values.
    """

    starts: NDArray[np.int64]
    n_frames: NDArray[np.int64]
    n_samples: NDArray[np.int64]
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]

    @property
    def n_rows(self) -> int:
        """Rows of all clips together, without the row of silence."""
        return int(self.n_frames.sum())


@dataclass(frozen=True)
class FeatureStore:
    """A finished store."""

    path: Path
    features: Features
    index: Index

    def __len__(self) -> int:
        return len(self.index.starts)

    @cached_property
    def frames(self) -> torch.Tensor:
        """Mel power, mapped and not read: Tensor[n_rows + 1, M], of which the last row is zero."""
        import torch

        rows = self.index.n_rows + 1
        size = rows * self.features.n_mels
        return torch.from_file(str(self.path / "frames.f32"), size=size, dtype=torch.float32).view(rows, -1)

    @property
    def n_bytes(self) -> int:
        """Size of the frames."""
        return (self.index.n_rows + 1) * self.features.n_mels * 4

    @classmethod
    def open(cls, path: Path) -> FeatureStore:
        """Open a store.

        Raises
        ------
        DataError
            If it is missing, broken or of another format.
        """
        try:
            description = json.loads((path / "store.json").read_text(encoding="utf-8"))
            with np.load(path / "index.npz") as arrays:
                index = Index(**{name: arrays[name] for name in Index.__dataclass_fields__})
            store = cls(path, Features(**description["features"]), index)
            if description["format"] != FORMAT or (path / "frames.f32").stat().st_size != store.n_bytes:
                raise ValueError("wrong size or format")
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise DataError(f"{path}: no whole feature store ({error})", "run 'audiomnist prep' again") from error
        return store

    def clip_keys(self) -> list[tuple[str, int, int]]:
        """Return path, size in bytes and time of change in nanoseconds of each clip when it was read."""
        return [tuple(key) for key in json.loads((self.path / "clips.json").read_text(encoding="utf-8"))]


def write_description(folder: Path, features: Features, corpus: Corpus, index: Index) -> None:
    """Write everything of a store but its frames."""
    np.savez(folder / "index.npz", **{name: getattr(index, name) for name in Index.__dataclass_fields__})
    keys = [(path, *stamp) for path, stamp in zip(corpus.paths, corpus.stamps.tolist(), strict=True)]
    (folder / "clips.json").write_text(json.dumps(keys), encoding="utf-8")
    description = {"format": FORMAT, "features": features.model_dump(), "root": str(corpus.root.resolve())}
    (folder / "store.json").write_text(json.dumps(description), encoding="utf-8")


def store_prefix(corpus: Corpus, features: Features) -> str:
    """Name shared by the stores of one corpus folder under one front end, whatever its clips were at the time."""
    identity = json.dumps([FORMAT, features.model_dump(), str(corpus.root.resolve())])
    return f"{corpus.root.resolve().name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
