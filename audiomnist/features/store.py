"""Mel power of many clips, ragged: of a whole corpus on disk, memory-mapped and known by a fingerprint, or in memory.

On disk a store is a folder: ``frames.f32`` (float32, row-major, one row of mel power per frame, a last row of zeros
that stands for silence), ``index.npz`` (an entry per clip, in the order of the corpus) and ``store.json``.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
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

    from audiomnist.features.clips import ClipFrames

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

    @classmethod
    def of(cls, facts: NDArray[np.float64]) -> Index:
        """Return the index of clips that lie one after the other.

        Parameters
        ----------
        facts : float64 array [n_clips, 4]
            Frames, samples, lowest and highest of each.
        """
        n_frames, n_samples = facts[:, :2].T.astype(np.int64, order="C")
        lowest, highest = facts[:, 2:].T.astype(np.float32, order="C")
        return cls(np.cumsum(n_frames) - n_frames, n_frames, n_samples, lowest, highest)

    @property
    def n_rows(self) -> int:
        """Rows of all clips together, without the row of silence."""
        return int(self.n_frames.sum())


@dataclass(frozen=True)
class ClipStore:
    """Mel power of clips, wherever it lies.

    Attributes
    ----------
    frames : Tensor[n_rows + 1, M]
        The last row is zero.
    """

    features: Features
    index: Index
    frames: torch.Tensor

    def __len__(self) -> int:
        return len(self.index.starts)

    @property
    def n_bytes(self) -> int:
        """Size of the frames."""
        return self.frames.nbytes

    @classmethod
    def in_memory(cls, features: Features, clips: Sequence[ClipFrames]) -> ClipStore:
        """Return a store of clips that is not written anywhere."""
        import torch

        frames = torch.cat([*(clip.frames for clip in clips), torch.zeros(1, features.n_mels)])
        return ClipStore(features, Index.of(np.array([clip.facts for clip in clips])), frames)


@dataclass(frozen=True)
class FeatureStore(ClipStore):
    """A finished store on disk, its frames mapped and not read; they cannot be written to."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> FeatureStore:
        """Open a store.

        Raises
        ------
        DataError
            If it is missing, broken or of another format.
        """
        file = path / "frames.f32"
        try:
            description = json.loads((path / "store.json").read_text(encoding="utf-8"))
            with np.load(path / "index.npz") as arrays:
                index = Index(**{name: arrays[name] for name in Index.__dataclass_fields__})
            features = Features(**description["features"])
            shape = (index.n_rows + 1, features.n_mels)
            if description["format"] != FORMAT or file.stat().st_size != 4 * shape[0] * shape[1]:
                raise ValueError("wrong size or format")
            frames = _map(file, shape)
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise DataError(f"{path}: no whole feature store ({error})", "run 'audiomnist prep' again") from error
        return cls(features, index, frames, path)

    def clip_keys(self) -> list[tuple[str, int, int]]:
        """Return path, size in bytes and time of change in nanoseconds of each clip when it was read."""
        return [tuple(key) for key in json.loads((self.path / "clips.json").read_text(encoding="utf-8"))]

    def clip(self, number: int) -> ClipFrames:
        """Return a clip's features; the frames stay on disk."""
        from audiomnist.features.clips import ClipFrames

        index = self.index
        start = int(index.starts[number])
        return ClipFrames(
            self.frames[start : start + int(index.n_frames[number])],
            int(index.n_samples[number]),
            float(index.lowest[number]),
            float(index.highest[number]),
        )


def _map(file: Path, shape: tuple[int, int]) -> torch.Tensor:
    """Map float32 values for reading, so that their pages are the file's and the kernel can take them back.

    ``torch.from_file`` maps them for writing: that counts as the process's own memory, and what is larger than the
    machine's memory is refused.
    """
    import torch

    values = np.memmap(file, dtype=np.float32, mode="r", shape=shape)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)


def write_description(folder: Path, features: Features, corpus: Corpus, index: Index) -> None:
    """Write everything of a store but its frames."""
    np.savez(folder / "index.npz", **{name: getattr(index, name) for name in Index.__dataclass_fields__})
    with (folder / "clips.json").open("w", encoding="utf-8") as file:
        for clip, path in enumerate(corpus.paths):
            file.write(f"{',' if clip else '['}{json.dumps([path, *corpus.stamps[clip].tolist()])}\n")
        file.write("]\n")
    description = {"format": FORMAT, "features": features.model_dump(), "root": str(corpus.root.resolve())}
    (folder / "store.json").write_text(json.dumps(description), encoding="utf-8")


def store_prefix(corpus: Corpus, features: Features) -> str:
    """Name shared by the stores of one corpus folder under one front end, whatever its clips were at the time."""
    identity = json.dumps([FORMAT, features.model_dump(), str(corpus.root.resolve())])
    return f"{corpus.root.resolve().name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
