"""Making the feature store of a corpus: read, resample, mel power, over all cores, only what is new."""

from __future__ import annotations

import errno
import math
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from audiomnist import distributed, stopping
from audiomnist.audio import BadSound, Samples, digest, map_in_order, read, resample
from audiomnist.config import Features
from audiomnist.corpus.listing import stamp
from audiomnist.corpus.scan import Corpus
from audiomnist.device import single_threaded_torch
from audiomnist.errors import DataError, indented, printable
from audiomnist.features.mel import ClipEntry, ClipFrames, MelPower
from audiomnist.features.store import (
    DESCRIPTION,
    FRAMES,
    ClipFile,
    DamagedStore,
    FeatureStore,
    Index,
    LeftOut,
    clip_files,
    libraries,
    store_path,
    stores_folder,
    write_description,
)
from audiomnist.files import is_held, remove, settle, temporary_beside
from audiomnist.progress import Show, unseen

CLIPS_PER_CHUNK = 64
_Known = dict[ClipFile, tuple[FeatureStore, int]]
_NO_FILE = {errno.EISDIR, errno.ENXIO}  # a folder, a socket: not a recording, and it will not become one


def prepare(
    corpus: Corpus,
    features: Features,
    *,
    jobs: int | None = None,
    strict: bool = False,
    progress: Show = unseen,
) -> FeatureStore:
    """Return the feature store of a corpus, made now unless it is there.

    Clips that another store of the same front end holds unchanged are copied from it. Several processes
    share the clips; the store is the same, byte by byte, as that of one.

    Raises DataError if no clip can be used, or not every one and this is strict; if a store that is there cannot be
    read now.

    Parameters
    ----------
    jobs : int, optional
        Threads of this process; by default one per core, shared with the job's other processes on this machine.
    strict : bool
        Whether a clip that cannot be used is an error. Otherwise the store does without it: see its ``left_out``.
    progress : callable
        Not called when there is nothing to do.
    """
    path = store_path(corpus, features)
    if not distributed.by_first(lambda: _is_whole(path)):
        _make(path, corpus, features, jobs, progress)
    store = FeatureStore.open(path)
    if store.left_out and (strict or not len(store)):
        faults = [f"{printable(corpus.file(clip.clip))}: {clip.reason}" for clip in store.left_out]
        raise DataError(
            f"{len(faults):,} of {len(corpus):,} clips cannot be used\n{indented(faults)}",
            "remove or replace these files",
        )
    with suppress(OSError):
        os.utime(path)  # when it was last of use
    return store


def verify(
    corpus: Corpus, features: Features, *, jobs: int | None = None, progress: Show = unseen
) -> tuple[FeatureStore, list[str]]:
    """Compare all of a corpus's store with its checksums, and every clip with what was read for it.

    Returns the store, and the files that hold another sound now, with the same size and time. Raises DataError if there
    is no store, or it is damaged; then it is removed, so that it is made again.
    """
    store = FeatureStore.open(store_path(corpus, features))
    try:
        store.check()
    except ValueError as damage:
        remove(store.path)
        raise DamagedStore(f"{store.path}: {damage}", "make it again with: audiomnist prep") from damage
    kept, digests = store.of(corpus), store.digests

    def is_other(clip: int) -> bool:
        try:
            return bool(digest(*read(kept.file(clip), may_be_silent=False)) != digests[clip])
        except DataError:
            return True

    replaced = []
    for clip, other in enumerate(map_in_order(is_other, range(len(kept)), jobs)):
        if other:
            replaced.append(str(kept.file(clip)))
        progress(clip + 1, len(kept))
    return store, replaced


def prune(unused_days: float) -> dict[str, int]:
    """Remove the stores that nobody uses now or has used for so many days; return where they were, and their bytes."""
    used_since = time.time() - 86_400 * unused_days
    removed = {}
    for path in _stores():
        description = path / DESCRIPTION
        if path.stat().st_mtime <= used_since and not (description.exists() and is_held(description)):
            removed[str(path)] = sum(file.stat().st_size for file in path.iterdir())
            remove(path)
    return removed


def _stores() -> list[Path]:
    """Return the folders of stores, the one that was last of use first."""
    found = [path for path in stores_folder().glob("[!.]*") if path.is_dir()]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _is_whole(path: Path) -> bool:
    if path.exists():
        with suppress(DamagedStore):
            FeatureStore.open(path)
            return True
    return False


def _make(path: Path, corpus: Corpus, features: Features, jobs: int | None, progress: Show) -> None:
    """Write a store beside its place, of several processes each its share of the frames, and move it there."""
    temporary = distributed.by_first(lambda: temporary_beside(path))
    parts = [temporary / (f"{FRAMES}.{number}" if number else FRAMES) for number in range(distributed.size())]

    def finish() -> None:
        with parts[0].open("ab") as whole:
            for part in parts[1:]:
                with part.open("rb") as frames:
                    shutil.copyfileobj(frames, whole)
                part.unlink()
            whole.write(np.zeros(features.n_mels, np.float32).data)
        index = Index.of([result for result in results if isinstance(result, ClipEntry)])
        left_out = [result for result in results if isinstance(result, LeftOut)]
        write_description(temporary, features, corpus, index, left_out)
        if path.exists() and not _is_whole(path):
            remove(path)  # also from those who map it: the new one is the same, but whole
        try:
            settle(temporary, path)
        except OSError:  # another process has made the same one meanwhile
            if not _is_whole(path):
                raise

    try:
        with stopping.at_safe_points(), single_threaded_torch():
            distributed.by_first(temporary.mkdir)
            known = _known_clips(corpus, features)
            own = _write_share(parts[distributed.rank()], corpus, features, known, jobs, progress)
            results = [result for share in distributed.gathered(own) for result in share]
            progress(len(corpus), len(corpus))
            if faults := [result for result in results if isinstance(result, str)]:
                raise DataError(
                    f"{len(faults):,} of {len(corpus):,} clips cannot be read now\n{indented(faults)}",
                    "make them readable, or leave them out with --exclude-file",
                )
            distributed.by_first(finish)
    finally:
        if distributed.rank() == 0:
            remove(temporary)


def _write_share(
    file: Path, corpus: Corpus, features: Features, known: _Known, jobs: int | None, progress: Show
) -> list[ClipEntry | LeftOut | str]:
    """Write the frames of this process's clips; return an entry of each, or why it has none, a str if that may pass."""
    mel = MelPower(features)
    clips = range(len(corpus))
    chunks = [clips[start : start + CLIPS_PER_CHUNK] for start in clips[::CLIPS_PER_CHUNK]]
    own = chunks[distributed.share(len(chunks))]
    jobs = jobs or max(1, (os.cpu_count() or 1) // distributed.local_size())
    done: list[ClipEntry | LeftOut | str] = []
    with file.open("wb") as out:
        for results in map_in_order(lambda chunk: _computed(corpus, chunk, mel, known), own, jobs):
            for result in results:
                if isinstance(result, ClipFrames):
                    out.write(result.frames.numpy().data)
                    done.append(result.entry)
                else:
                    done.append(result)
            stopping.check()
            progress(min(len(done) * distributed.size(), len(corpus)), len(corpus))
    return done


def _computed(corpus: Corpus, clips: range, mel: MelPower, known: _Known) -> list[ClipFrames | LeftOut | str]:
    """Return the features of consecutive clips, copied where known; or why there are none, a str if that may pass."""
    found: dict[int, ClipFrames | LeftOut | str] = {}
    recordings: dict[int, tuple[Samples, int]] = {}
    for clip, file in zip(clips, clip_files(corpus, clips), strict=True):
        if file in known:
            store, number = known[file]
            found[clip] = store.clip(number)
            continue
        try:
            recordings[clip] = _read_unchanged(file)
        except BadSound as error:
            passing = isinstance(error.__cause__, OSError) and error.__cause__.errno not in _NO_FILE
            found[clip] = error.message if passing else LeftOut(clip, corpus.paths[clip], error.reason)
        except DataError as error:
            found[clip] = error.message
    waveforms = [resample(*recording, mel.sample_rate) for recording in recordings.values()]
    for clip, features in zip(recordings, ClipFrames.of(waveforms, mel) if waveforms else [], strict=True):
        if math.isfinite(float(features.frames.sum())):
            found[clip] = ClipFrames(features.frames, features.entry._replace(digest=digest(*recordings[clip])))
        else:
            found[clip] = LeftOut(clip, corpus.paths[clip], "its features are not finite")
    return [found[clip] for clip in clips]


def _read_unchanged(file: ClipFile) -> tuple[Samples, int]:
    """Read a clip that is still the one that the corpus was scanned with."""
    recording = read(file.path, may_be_silent=False)
    with suppress(OSError):  # it has vanished
        if stamp(os.stat(file.path)) == file[1:]:  # noqa: PTH116, half the time of Path.stat
            return recording
    raise DataError(f"{file.path}: changed while it was read", "run the command again")


def _known_clips(corpus: Corpus, features: Features) -> _Known:
    """Return where the clips of a corpus are in other whole stores of the same front end."""
    known: _Known = {}
    missing = set(clip_files(corpus))
    for path in _stores():
        if not missing:
            break
        with suppress(DataError, OSError, ValueError):
            store = FeatureStore.open(path)
            if (store.features, store.description.libraries) == (features, libraries()):
                store.check()
                known |= {file: (store, number) for number, file in enumerate(store.clip_files()) if file in missing}
                missing -= known.keys()
    return known
