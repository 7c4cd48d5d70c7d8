import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiomnist.audio import read, resample
from audiomnist.config import Features
from audiomnist.corpus import scan
from audiomnist.errors import DataError
from audiomnist.features import FeatureStore, prepare
from audiomnist.features.clips import ClipFrames
from audiomnist.features.mel import MelPower
from audiomnist.features.store import ClipStore, Index

FEATURES = Features(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=20)
MakeCorpus = Callable[..., Path]


@pytest.fixture
def root(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "clips", speakers=2, repetitions=4)


def prepare_counting(root: Path, stores: Path, features: Features = FEATURES) -> tuple[FeatureStore, int]:
    done = []
    store = prepare(scan(root), features, folder=stores, progress=lambda clips, total: done.append(clips))
    return store, max(done, default=0)


def test_every_clips_frames_are_its_own_mel_power(root: Path, tmp_path: Path) -> None:
    features = Features()
    corpus = scan(root)
    store = prepare(corpus, features, folder=tmp_path / "stores")
    mel = MelPower(features)
    for clip in range(0, len(corpus), 7):
        samples = resample(*read(corpus.file(clip)), features.sample_rate)
        start, count = store.index.starts[clip], store.index.n_frames[clip]
        torch.testing.assert_close(store.frames[start : start + count], mel([samples]))
        assert store.index.n_samples[clip] == len(samples)
        assert store.index.lowest[clip] == pytest.approx(float(samples.min()))
        assert store.index.highest[clip] == pytest.approx(float(samples.max()))
    assert not store.frames[-1].any()


def test_a_store_in_memory_holds_what_one_on_disk_does(root: Path, tmp_path: Path) -> None:
    corpus = scan(root)
    on_disk = prepare(corpus, FEATURES, folder=tmp_path / "stores")
    waveforms = [resample(*read(corpus.file(clip)), FEATURES.sample_rate) for clip in range(len(corpus))]
    in_memory = ClipStore.in_memory(FEATURES, ClipFrames.of(waveforms, MelPower(FEATURES)))
    torch.testing.assert_close(in_memory.frames, on_disk.frames)
    assert in_memory.n_bytes == on_disk.n_bytes
    for name in Index.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(in_memory.index, name), getattr(on_disk.index, name))


def test_frames_can_take_more_than_the_memory_a_process_may_have(root: Path, tmp_path: Path) -> None:
    store = prepare(scan(root), FEATURES, folder=tmp_path / "stores")
    n_frames = store.index.n_frames.copy()
    n_frames[-1] = 4_000_000_000 // (4 * FEATURES.n_mels)
    index = replace(store.index, n_frames=n_frames)
    np.savez(store.path / "index.npz", **{name: getattr(index, name) for name in Index.__dataclass_fields__})
    os.truncate(store.path / "frames.f32", 4 * FEATURES.n_mels * (index.n_rows + 1))
    program = (
        "import resource, sys; from pathlib import Path; import torch; from audiomnist.features import FeatureStore;"
        "resource.setrlimit(resource.RLIMIT_DATA, (3_000_000_000, 3_000_000_000));"
        "frames = FeatureStore.open(Path(sys.argv[1])).frames; print(float(frames[:10].sum()), float(frames[-1].sum()))"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(store.path)], capture_output=True, text=True, check=True)
    assert [float(number) for number in ran.stdout.split()] == [pytest.approx(float(store.frames[:10].sum())), 0]
    assert not ran.stderr


def test_an_unchanged_corpus_is_not_read_again(root: Path, tmp_path: Path) -> None:
    first, computed = prepare_counting(root, tmp_path / "stores")
    second, again = prepare_counting(root, tmp_path / "stores")
    assert (computed, again) == (80, 0)
    assert first.path == second.path


@pytest.mark.parametrize("change", ["content", "time", "removal", "addition", "features"])
def test_any_change_makes_a_store_of_its_own(root: Path, tmp_path: Path, change: str) -> None:
    before, _ = prepare_counting(root, tmp_path / "stores")
    features = FEATURES
    clip = root / scan(root).paths[3]
    match change:
        case "content":
            soundfile.write(clip, np.ones(1_000, dtype=np.float32) / 4, 8_000)
        case "time":
            os.utime(clip, ns=(1, 1))
        case "removal":
            clip.unlink()
        case "addition":
            soundfile.write(root / "3_someone_0.wav", np.ones(900, dtype=np.float32) / 4, 8_000)
        case "features":
            features = FEATURES.model_copy(update={"n_mels": 16})
    after, computed = prepare_counting(root, tmp_path / "stores", features)
    assert after.path != before.path
    assert computed


def test_a_store_grown_from_an_older_one_equals_one_made_afresh(
    root: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    prepare(scan(root), FEATURES, folder=tmp_path / "stores")
    make_corpus(root, speakers=3, repetitions=4)
    grown = prepare(scan(root), FEATURES, folder=tmp_path / "stores")
    fresh = prepare(scan(root), FEATURES, folder=tmp_path / "other")
    torch.testing.assert_close(grown.frames, fresh.frames, rtol=0, atol=0)
    for name in grown.index.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(grown.index, name), getattr(fresh.index, name))
    assert len(list((tmp_path / "stores").iterdir())) == 1


def test_growing_reads_only_what_is_new(root: Path, tmp_path: Path) -> None:
    prepare(scan(root), FEATURES, folder=tmp_path / "stores")
    known = scan(root)
    soundfile.write(root / "3_someone_0.wav", np.ones(900, dtype=np.float32) / 4, 8_000)
    for clip in range(len(known)):
        status = known.file(clip).stat()
        known.file(clip).write_bytes(b"\0" * status.st_size)
        os.utime(known.file(clip), ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert len(prepare(scan(root), FEATURES, folder=tmp_path / "stores")) == len(known) + 1


@pytest.mark.parametrize("damage", ["frames.f32", "index.npz", "store.json"])
def test_a_damaged_store_is_made_again(root: Path, tmp_path: Path, damage: str) -> None:
    store, _ = prepare_counting(root, tmp_path / "stores")
    (store.path / damage).write_bytes(b"")
    with pytest.raises(DataError, match="no whole feature store"):
        FeatureStore.open(store.path)
    _, computed = prepare_counting(root, tmp_path / "stores")
    assert computed == 80


def test_every_unreadable_clip_is_named_and_nothing_is_left(root: Path, tmp_path: Path) -> None:
    corpus = scan(root)
    for clip in (2, 5):
        corpus.file(clip).write_bytes(b"no audio")
    with pytest.raises(DataError, match="2 of 80 clips") as error:
        prepare(scan(root), FEATURES, folder=tmp_path / "stores")
    assert corpus.paths[2] in error.value.message
    assert corpus.paths[5] in error.value.message
    assert not list((tmp_path / "stores").iterdir())


def test_the_number_of_threads_changes_nothing(root: Path, tmp_path: Path) -> None:
    one = prepare(scan(root), FEATURES, folder=tmp_path / "one", jobs=1)
    many = prepare(scan(root), FEATURES, folder=tmp_path / "many", jobs=3)
    torch.testing.assert_close(one.frames, many.frames, rtol=0, atol=0)
