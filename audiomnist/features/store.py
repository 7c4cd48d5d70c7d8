"""Mel power of many clips, ragged: of a whole corpus on disk, memory-mapped, or in memory.

On disk a store is a folder: ``frames.f32`` (float32, row-major, one row of mel power per frame, a last row of zeros
that stands for silence), ``index.npz`` (an entry per clip), ``clips.json`` (each clip's file) and ``store.json``
(``Description``). Its name is a hash of what it holds, so it is found again for the same clips and front end, and only
for them.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter

from audiomnist.config import Features
from audiomnist.corpus.places import data_folder
from audiomnist.corpus.scan import Corpus
from audiomnist.errors import DataError, first_line
from audiomnist.features.mel import ClipEntry, ClipFrames
from audiomnist.files import Hold

FORMAT = 3  # of the files, and of what MelPower and ClipFrames compute
FRAMES, INDEX, CLIPS, DESCRIPTION = "frames.f32", "index.npz", "clips.json", "store.json"
_BLOCK_BYTES = 1 << 20  # that one checksum is of
_BLOCKS_LOOKED_AT = 16
_ENTRY = np.dtype(list(zip(ClipEntry._fields, ("i8", "i8", "f4", "f4", "V16"), strict=True)))


class DamagedStore(DataError):
    """A store that is there but not whole; making it again is the cure."""


class ClipFile(NamedTuple):
    """A clip's file as it was when it was read."""

    path: str
    n_bytes: int
    changed_ns: int


class LeftOut(NamedTuple):
    """A clip that cannot be used: its place in the corpus, its path there, and why."""

    clip: int
    path: str
    reason: str


class Description(BaseModel, frozen=True):
    """``store.json``: what a store was made from, and the checksums of its files, one of each MiB."""

    format: int
    features: Features
    libraries: dict[str, str]
    n_clips: int
    left_out: tuple[LeftOut, ...]
    sizes: dict[str, int]
    checksums: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, store: Path) -> Description:
        """Read the description of a store."""
        description = cls.model_validate_json((store / DESCRIPTION).read_bytes())
        if description.format != FORMAT:
            raise ValueError(f"format {description.format}, this version reads {FORMAT}")
        return description


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
    digests : 16-byte void array [n_clips]
        Equal for equal sound, see ``audio.digest``.
    """

    starts: NDArray[np.int64]
    n_frames: NDArray[np.int64]
    n_samples: NDArray[np.int64]
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    digests: NDArray[np.void]

    @classmethod
    def of(cls, entries: Sequence[ClipEntry]) -> Index:
        """Return the index of clips that lie one after the other."""
        table = np.array(entries, _ENTRY)
        n_frames, *others = (table[name].copy() for name in ClipEntry._fields)
        return cls(np.cumsum(n_frames) - n_frames, n_frames, *others)

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
    def digests(self) -> list[bytes]:
        """16 bytes of each clip, equal for equal sound before resampling."""
        digests: list[bytes] = self.index.digests.tolist()
        return digests

    @classmethod
    def in_memory(cls, features: Features, clips: Sequence[ClipFrames]) -> ClipStore:
        """Return a store of clips that is not written anywhere."""
        frames = torch.cat([*(clip.frames for clip in clips), torch.zeros(1, features.n_mels)])
        return ClipStore(features, Index.of([clip.entry for clip in clips]), frames)


@dataclass(frozen=True)
class FeatureStore(ClipStore):
    """A finished store on disk, its frames mapped and not read; they cannot be written to.

    It has the clips of the corpus that it was made for, in their order, without those that were left out.

    Attributes
    ----------
    path : Path
    description : Description
    """

    path: Path
    description: Description
    _hold: Hold = field(repr=False, compare=False)  # while it lives the store is not removed

    @classmethod
    def open(cls, path: Path) -> FeatureStore:
        """Open a store; a sample of its frames is compared with their checksums, or all where they are few.

        Raises
        ------
        DamagedStore
            If it is not whole, or of another format.
        DataError
            If it is not there, or cannot be read now.
        """
        try:
            return cls._read(path, Hold(path / DESCRIPTION))
        except (EOFError, ValueError, KeyError, TypeError, BadZipFile, FileNotFoundError) as error:
            if not path.exists():
                raise DataError(f"{path}: no feature store", "make it with: audiomnist prep") from error
            raise DamagedStore(
                f"{path}: damaged feature store ({first_line(error)})", "make it again with: audiomnist prep"
            ) from error
        except OSError as error:
            raise DataError(
                f"{error.filename or path}: cannot be read ({error.strerror})",
                "check permissions and limits, try again",
            ) from error

    @classmethod
    def _read(cls, path: Path, hold: Hold) -> FeatureStore:
        description = Description.of(path)
        _check(path, description, INDEX)
        with np.load(path / INDEX) as arrays:
            index = Index(**arrays)
        shape = (index.n_rows + 1, description.features.n_mels)
        _check(path, description, FRAMES, _BLOCKS_LOOKED_AT)
        return cls(description.features, index, _map(path / FRAMES, shape), path, description, hold)

    def __reduce__(self) -> tuple[Callable[[Path], FeatureStore], tuple[Path]]:
        """Go to another process as a path: it maps the same files."""
        return FeatureStore.open, (self.path,)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The clips of the corpus that cannot be used."""
        return self.description.left_out

    @property
    def kept(self) -> NDArray[np.int64]:
        """Places in the corpus of the store's clips: int64 array [n_clips]."""
        return np.delete(np.arange(self.description.n_clips), [clip.clip for clip in self.left_out])

    def of(self, corpus: Corpus) -> Corpus:
        """Return the corpus without the clips that were left out, so that both number their clips alike."""
        return corpus.select(self.kept) if self.left_out else corpus

    def clip_files(self) -> list[ClipFile]:
        """Return each clip's file as it was when it was read.

        Raises ValueError if the list is damaged.
        """
        return TypeAdapter(list[ClipFile]).validate_json((self.path / CLIPS).read_bytes())

    def check(self) -> None:
        """Compare everything with its checksums; raise ValueError with what does not fit."""
        for name in self.description.checksums:
            _check(self.path, self.description, name)

    def clip(self, number: int) -> ClipFrames:
        """Return a clip's features; the frames stay on disk."""
        start, *columns = (column[number].item() for column in vars(self.index).values())
        entry = ClipEntry(*columns)
        return ClipFrames(self.frames[start : start + entry.n_frames], entry)


def _map(file: Path, shape: tuple[int, int]) -> torch.Tensor:
    """Map float32 values for reading, so that their pages are the file's and the kernel can take them back.

    ``torch.from_file`` maps them for writing: that counts as the process's own memory, and what is larger than the
    machine's memory is refused.
    """
    values = np.memmap(file, dtype=np.float32, mode="r", shape=shape)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)


def _check(folder: Path, description: Description, name: str, most_blocks: int | None = None) -> None:
    """Compare a file's size, and its blocks or some of them, with what the description says; raise ValueError."""
    expected, size = description.checksums[name], (folder / name).stat().st_size
    if size != description.sizes[name] or len(expected) != -(-size // _BLOCK_BYTES):
        raise ValueError(f"{name} has {size:,} bytes, not {description.sizes[name]:,}")
    n_blocks = len(expected) if most_blocks is None else min(most_blocks, len(expected))
    with (folder / name).open("rb") as file:
        for block in np.linspace(0, len(expected) - 1, n_blocks).astype(int).tolist():
            file.seek(block * _BLOCK_BYTES)
            if zlib.crc32(file.read(_BLOCK_BYTES)) != expected[block]:
                raise ValueError(f"{name} is damaged at byte {block * _BLOCK_BYTES:,}")


def _checksums(file: Path) -> tuple[int, ...]:
    with file.open("rb") as blocks:
        return tuple(map(zlib.crc32, iter(lambda: blocks.read(_BLOCK_BYTES), b"")))


def write_description(
    folder: Path, features: Features, corpus: Corpus, index: Index, left_out: Sequence[LeftOut]
) -> None:
    """Write everything of a store but its frames, which must be there."""
    np.savez(folder / INDEX, **vars(index))
    unusable = {clip.clip for clip in left_out}
    files = [file for clip, file in enumerate(clip_files(corpus)) if clip not in unusable]
    (folder / CLIPS).write_text(json.dumps(files), encoding="ascii")
    description = Description(
        format=FORMAT,
        features=features,
        libraries=libraries(),
        n_clips=len(corpus),
        left_out=tuple(left_out),
        sizes={name: (folder / name).stat().st_size for name in (FRAMES, INDEX, CLIPS)},
        checksums={name: _checksums(folder / name) for name in (FRAMES, INDEX, CLIPS)},
    )
    (folder / DESCRIPTION).write_text(description.model_dump_json(), encoding="utf-8")


def clip_files(corpus: Corpus, clips: range | None = None) -> list[ClipFile]:
    """Return the file of each clip of a corpus, or of consecutive ones."""
    root = str(corpus.root.resolve())
    part = slice(clips.start, clips.stop) if clips else slice(None)
    return [
        ClipFile(os.path.join(root, path), *stamp)  # noqa: PTH118, a Path each would take four times as long
        for path, stamp in zip(corpus.paths[part], corpus.stamps[part].tolist(), strict=True)
    ]


def libraries() -> dict[str, str]:
    """Return the versions of what features are computed with."""
    return {name: version(name) for name in ("numpy", "soundfile", "soxr", "torch")}


def store_path(corpus: Corpus, features: Features) -> Path:
    """Return where the store of a corpus is, or would be: its name is a hash of everything that it depends on."""
    identity = json.dumps([FORMAT, features.model_dump(), libraries(), clip_files(corpus)])
    name = f"{corpus.root.resolve().name[:100]}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    return stores_folder() / name


def stores_folder() -> Path:
    """Return where stores are kept."""
    return data_folder() / ".store"
