"""Making the feature store of a corpus: read, resample, mel power, over all cores, only what is new."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audiomnist.config import Features
from audiomnist.corpus.places import data_folder
from audiomnist.corpus.recordings import map_in_order
from audiomnist.corpus.scan import Corpus
from audiomnist.device import single_threaded_torch
from audiomnist.errors import DataError, indented
from audiomnist.features.clips import ClipFrames
from audiomnist.features.store import FeatureStore, Index, store_prefix, write_description

if TYPE_CHECKING:
    import torch

    from audiomnist.features.mel import MelPower

CLIPS_PER_CHUNK = 64
Progress = Callable[[int, int], None]
_READING = Lock()  # opening files is mostly Python: threads doing it at once are slower than one


def prepare(
    corpus: Corpus,
    features: Features,
    *,
    folder: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> FeatureStore:
    """Return the feature store of a corpus, made now unless one that fits exactly is there.

    Clips that an older store of the same corpus and front end holds unchanged are copied from it.

    Parameters
    ----------
    folder : Path, optional
        Where stores are kept; ``data/.store`` by default.
    jobs : int, optional
        Threads; one per core by default.
    progress : callable, optional
        Called with the clips done and the clips in all; not called when there is nothing to do.

    Raises
    ------
    DataError
        With every clip that cannot be read.
    """
    folder = folder or _default_folder()
    prefix = store_prefix(corpus, features)
    path = folder / f"{prefix}-{corpus.fingerprint}"
    if path.exists():
        try:
            return FeatureStore.open(path)
        except DataError:
            shutil.rmtree(path)
    folder.mkdir(parents=True, exist_ok=True)
    older = [other for other in folder.glob(f"{prefix}-*") if other.is_dir()]
    with single_threaded_torch(), _temporary_folder(folder) as temporary:
        index = _write_frames(temporary / "frames.f32", corpus, features, _known_clips(older), jobs, progress)
        write_description(temporary, features, corpus, index)
        _move_into_place(temporary, path)
    for other in older:
        shutil.rmtree(other, ignore_errors=True)
    return FeatureStore.open(path)


def is_prepared(corpus: Corpus, features: Features) -> bool:
    """Return whether a store that fits is there."""
    return (_default_folder() / f"{store_prefix(corpus, features)}-{corpus.fingerprint}").exists()


def _default_folder() -> Path:
    return data_folder() / ".store"


def _write_frames(
    file: Path,
    corpus: Corpus,
    features: Features,
    known: Sequence[_Known],
    jobs: int | None,
    progress: Progress | None,
) -> Index:
    from audiomnist.features.mel import MelPower

    mel = MelPower(features)
    facts = np.zeros((len(corpus), 4))
    n_done = 0
    faults: list[DataError] = []
    chunks = [
        range(start, min(start + CLIPS_PER_CHUNK, len(corpus))) for start in range(0, len(corpus), CLIPS_PER_CHUNK)
    ]
    with file.open("wb") as out:
        for results in map_in_order(lambda clips: _compute(corpus, clips, mel, known), chunks, jobs):
            for result in results:
                if isinstance(result, DataError):
                    faults.append(result)
                else:
                    out.write(result.frames.numpy().data)
                    facts[n_done] = result.facts
                n_done += 1
            if progress:
                progress(n_done, len(corpus))
        out.write(np.zeros(features.n_mels, np.float32).data)
    if faults:
        raise DataError(
            f"{len(faults)} of {len(corpus)} clips cannot be used\n{indented([fault.message for fault in faults])}",
            "remove or replace these files",
        )
    return Index.of(facts)


def _compute(corpus: Corpus, clips: range, mel: MelPower, known: Sequence[_Known]) -> list[ClipFrames | DataError]:
    """Return the features of consecutive clips, copied where known, and what is wrong with the unreadable ones."""
    from audiomnist.features.audio import read, resample

    results: dict[int, ClipFrames | DataError] = {}
    recordings: dict[int, tuple[torch.Tensor, int]] = {}
    with _READING:
        for clip in clips:
            copies = (store.find(corpus.paths[clip], corpus.stamps[clip]) for store in known)
            if (copy := next(filter(None, copies), None)) is not None:
                results[clip] = copy
                continue
            try:
                recordings[clip] = read(corpus.file(clip))
            except DataError as error:
                results[clip] = error
    waveforms = {clip: resample(*recording, mel.sample_rate) for clip, recording in recordings.items()}
    if waveforms:
        results.update(zip(waveforms, ClipFrames.of(list(waveforms.values()), mel), strict=True))
    return [results[clip] for clip in clips]


@dataclass(frozen=True)
class _Known:
    """The clips of an older store, by path; little more than the paths is held in memory."""

    store: FeatureStore
    numbers: dict[str, int]
    stamps: NDArray[np.int64]

    @classmethod
    def of(cls, store: FeatureStore) -> _Known:
        keys = store.clip_keys()
        stamps = np.array([key[1:] for key in keys], dtype=np.int64).reshape(-1, 2)
        return cls(store, {key[0]: number for number, key in enumerate(keys)}, stamps)

    def find(self, path: str, stamp: NDArray[np.int64]) -> ClipFrames | None:
        """Return a clip if it is there and unchanged."""
        number = self.numbers.get(path)
        if number is None or not np.array_equal(self.stamps[number], stamp):
            return None
        return self.store.clip(number)


def _known_clips(stores: Iterable[Path]) -> list[_Known]:
    """Return the clips of whole older stores."""
    known = []
    for path in stores:
        with suppress(DataError):
            known.append(_Known.of(FeatureStore.open(path)))
    return known


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=".partial-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _move_into_place(folder: Path, path: Path) -> None:
    """Rename a finished store; if another process finished the same one first, that one stays."""
    try:
        folder.rename(path)
    except OSError:
        if not path.exists():
            raise
