"""Making the feature store of a corpus: read, resample, mel power, over all cores, only what is new."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from audiomnist import distributed
from audiomnist.audio import Samples, map_in_order, read, resample
from audiomnist.config import Features
from audiomnist.corpus.places import data_folder
from audiomnist.corpus.scan import Corpus
from audiomnist.device import single_threaded_torch
from audiomnist.errors import DataError, indented
from audiomnist.features.clips import ClipFrames
from audiomnist.features.store import FeatureStore, Index, store_prefix, write_description

if TYPE_CHECKING:
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

    Clips that an older store of the same corpus and front end holds unchanged are copied from it. Several processes
    share the clips; the store is the same, byte by byte, as that of one.

    Parameters
    ----------
    folder : Path, optional
        Where stores are kept; ``data/.store`` by default.
    jobs : int, optional
        Threads of this process; by default one per core, shared with the job's other processes on this machine.
    progress : callable, optional
        Called with the clips done and the clips in all; not called when there is nothing to do.

    Raises
    ------
    DataError
        With every clip that cannot be read.
    """
    folder = folder or _default_folder()
    path = folder / f"{store_prefix(corpus, features)}-{corpus.fingerprint}"
    if not distributed.by_first(lambda: _is_whole(path)):
        _make(path, corpus, features, jobs, progress)
    return FeatureStore.open(path)


def is_prepared(corpus: Corpus, features: Features) -> bool:
    """Return whether a store that fits is there."""
    return (_default_folder() / f"{store_prefix(corpus, features)}-{corpus.fingerprint}").exists()


def _default_folder() -> Path:
    return data_folder() / ".store"


def _is_whole(path: Path) -> bool:
    """Return whether a store is there; a broken one is removed."""
    try:
        FeatureStore.open(path)
    except DataError:
        if path.exists():
            shutil.rmtree(path)
        return False
    return True


def _make(path: Path, corpus: Corpus, features: Features, jobs: int | None, progress: Progress | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stores = f"{store_prefix(corpus, features)}-*"
    older = distributed.by_first(lambda: [other for other in path.parent.glob(stores) if other.is_dir()])
    with single_threaded_torch(), _temporary_folder(path.parent) as temporary:
        index = _write_frames(temporary / "frames.f32", corpus, features, _known_clips(older), jobs, progress)

        def finish() -> None:
            write_description(temporary, features, corpus, index)
            _move_into_place(temporary, path)
            for other in older:
                shutil.rmtree(other, ignore_errors=True)

        distributed.by_first(finish)


def _write_frames(
    file: Path,
    corpus: Corpus,
    features: Features,
    known: Sequence[_Known],
    jobs: int | None,
    progress: Progress | None,
) -> Index:
    """Write the frames of all clips; of several processes each writes its share, and the first joins them."""
    own = _part(file, distributed.rank())
    shares = distributed.gathered(_write_share(own, corpus, features, known, jobs, progress))
    faults = [fault for _, share in shares for fault in share]
    if progress:
        progress(len(corpus), len(corpus))
    if faults:
        raise DataError(
            f"{len(faults)} of {len(corpus)} clips cannot be used\n{indented(faults)}",
            "remove or replace these files",
        )
    if distributed.rank() == 0:
        with file.open("ab") as whole:
            for number in range(1, distributed.size()):
                with _part(file, number).open("rb") as part:
                    shutil.copyfileobj(part, whole)
                _part(file, number).unlink()
            whole.write(np.zeros(features.n_mels, np.float32).data)
    return Index.of(np.concatenate([facts for facts, _ in shares]))


def _part(file: Path, rank: int) -> Path:
    """Return where a process writes its share: the first where all go in the end."""
    return file.with_name(f"{file.name}.{rank}") if rank else file


def _write_share(
    file: Path,
    corpus: Corpus,
    features: Features,
    known: Sequence[_Known],
    jobs: int | None,
    progress: Progress | None,
) -> tuple[NDArray[np.float64], list[str]]:
    """Write the frames of this process's clips; return each one's facts, and what is wrong with the unreadable ones."""
    from audiomnist.features.mel import MelPower

    mel = MelPower(features)
    starts = range(0, len(corpus), CLIPS_PER_CHUNK)
    own = starts[distributed.share(len(starts))]
    chunks = [range(start, min(start + CLIPS_PER_CHUNK, len(corpus))) for start in own]
    facts = np.zeros((sum(map(len, chunks)), 4))
    n_done = 0
    faults: list[str] = []
    jobs = jobs or max(1, (os.cpu_count() or 1) // distributed.local_size())
    with file.open("wb") as out:
        for results in map_in_order(lambda clips: _compute(corpus, clips, mel, known), chunks, jobs):
            for result in results:
                if isinstance(result, DataError):
                    faults.append(result.message)
                else:
                    out.write(result.frames.numpy().data)
                    facts[n_done] = result.facts
                n_done += 1
            if progress:
                progress(min(n_done * distributed.size(), len(corpus)), len(corpus))
    return facts, faults


def _compute(corpus: Corpus, clips: range, mel: MelPower, known: Sequence[_Known]) -> list[ClipFrames | DataError]:
    """Return the features of consecutive clips, copied where known, and what is wrong with the unreadable ones."""
    results: dict[int, ClipFrames | DataError] = {}
    recordings: dict[int, tuple[Samples, int]] = {}
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
    """Give a folder that all processes share; the first makes and removes it."""
    path = distributed.by_first(lambda: parent / f".partial-{uuid4().hex}")
    try:  # known by name before it is there, so that Ctrl-C at no moment leaves it behind
        distributed.by_first(path.mkdir)
        yield path
    finally:
        if distributed.rank() == 0:
            shutil.rmtree(path, ignore_errors=True)


def _move_into_place(folder: Path, path: Path) -> None:
    """Rename a finished store; if another process finished the same one first, that one stays."""
    try:
        folder.rename(path)
    except OSError:
        if not path.exists():
            raise
