import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomnist import audio
from audiomnist.audio import read, resample
from audiomnist.config import Features
from audiomnist.corpus import scan
from audiomnist.errors import DataError
from audiomnist.features import FeatureStore, prepare
from audiomnist.features import store as store_module
from audiomnist.features.mel import ClipFrames, MelPower
from audiomnist.features.prep import prune, verify
from audiomnist.features.store import ClipStore, Index, stores_folder, write_description
from tests.conftest import MakeCorpus

FEATURES = Features(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=20)


@pytest.fixture
def root(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "clips", speakers=2, repetitions=4)


def prepare_counting(root: Path, features: Features = FEATURES) -> tuple[FeatureStore, int]:
    done = []
    store = prepare(scan(root), features, progress=lambda clips, total: done.append(clips))
    return store, max(done, default=0)


def test_every_clips_frames_are_its_own_mel_power(root: Path) -> None:
    features = Features()
    corpus = scan(root)
    store = prepare(corpus, features)
    mel = MelPower(features)
    for clip in range(0, len(corpus), 7):
        samples = resample(*read(corpus.file(clip)), features.sample_rate)
        start, count = store.index.starts[clip], store.index.n_frames[clip]
        torch.testing.assert_close(store.frames[start : start + count], mel([samples]))
        assert store.index.n_samples[clip] == len(samples)
        assert store.index.lowest[clip] == pytest.approx(float(samples.min()))
        assert store.index.highest[clip] == pytest.approx(float(samples.max()))
    assert not store.frames[-1].any()


@settings(max_examples=8)
@given(st.lists(st.integers(80, 3_000), min_size=1, max_size=5), st.integers(0, 99))
def test_a_store_gives_back_what_was_put_in(lengths: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    clips = [draw.uniform(-1, 1, length).astype(np.float32) for length in lengths]
    with TemporaryDirectory() as folder:
        for number, samples in enumerate(clips):
            soundfile.write(f"{folder}/0_someone_{number}.wav", samples, FEATURES.sample_rate, subtype="FLOAT")
        made = prepare(scan(Path(folder)), FEATURES, jobs=1)
        store = FeatureStore.open(made.path)
        for number, expected in enumerate(ClipFrames.of(clips, MelPower(FEATURES))):
            clip = store.clip(number)
            torch.testing.assert_close(clip.frames, expected.frames)
            assert clip.entry._replace(digest=expected.entry.digest) == expected.entry
            assert clip.entry.n_samples == lengths[number]


def test_a_store_in_memory_holds_what_one_on_disk_does(root: Path) -> None:
    corpus = scan(root)
    on_disk = prepare(corpus, FEATURES)
    waveforms = [resample(*read(corpus.file(clip)), FEATURES.sample_rate) for clip in range(len(corpus))]
    in_memory = ClipStore.in_memory(FEATURES, ClipFrames.of(waveforms, MelPower(FEATURES)))
    torch.testing.assert_close(in_memory.frames, on_disk.frames)
    for name in Index.__dataclass_fields__.keys() - {"digests"}:
        np.testing.assert_array_equal(getattr(in_memory.index, name), getattr(on_disk.index, name))


def test_frames_may_be_larger_than_memory(root: Path) -> None:
    corpus = scan(root)
    store = prepare(corpus, FEATURES)
    n_frames = store.index.n_frames.copy()
    n_frames[-1] = 4_000_000_000 // (4 * FEATURES.n_mels)
    index = replace(store.index, n_frames=n_frames)
    os.truncate(store.path / "frames.f32", 4 * FEATURES.n_mels * (index.n_rows + 1))
    write_description(store.path, FEATURES, corpus, index, [])
    program = (
        "import resource, sys; from pathlib import Path; import torch; from audiomnist.features import FeatureStore;"
        "resource.setrlimit(resource.RLIMIT_DATA, (3_000_000_000, 3_000_000_000));"
        "frames = FeatureStore.open(Path(sys.argv[1])).frames; print(float(frames[:10].sum()), float(frames[-1].sum()))"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(store.path)], capture_output=True, text=True, check=True)
    assert [float(number) for number in ran.stdout.split()] == [pytest.approx(float(store.frames[:10].sum())), 0]
    assert not ran.stderr


def test_an_unchanged_corpus_is_not_read_again(root: Path) -> None:
    first, computed = prepare_counting(root)
    second, again = prepare_counting(root)
    assert (computed, again) == (80, 0)
    assert first.path == second.path


@pytest.mark.parametrize("change", ["content", "time", "removal", "addition", "features"])
def test_any_change_makes_a_store_of_its_own(root: Path, change: str) -> None:
    before, _ = prepare_counting(root)
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
    after, computed = prepare_counting(root, features)
    assert after.path != before.path
    assert computed


def test_a_store_grown_from_an_older_one_equals_one_made_afresh(
    root: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(scan(root), FEATURES)
    make_corpus(root, speakers=3, repetitions=4)
    grown = prepare(scan(root), FEATURES)
    n_stores = len(list(stores_folder().iterdir()))
    monkeypatch.setenv("AUDIOMNIST_HOME", str(tmp_path))
    fresh = prepare(scan(root), FEATURES)
    torch.testing.assert_close(grown.frames, fresh.frames, rtol=0, atol=0)
    for name in grown.index.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(grown.index, name), getattr(fresh.index, name))
    assert grown.path != first.path
    assert n_stores == 2


def test_growing_reads_only_what_is_new(root: Path) -> None:
    prepare(scan(root), FEATURES)
    known = scan(root)
    soundfile.write(root / "3_someone_0.wav", np.ones(900, dtype=np.float32) / 4, 8_000)
    for clip in range(len(known)):
        status = known.file(clip).stat()
        known.file(clip).write_bytes(b"\0" * status.st_size)
        os.utime(known.file(clip), ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert len(prepare(scan(root), FEATURES)) == len(known) + 1


@pytest.mark.parametrize("damage", ["frames.f32", "index.npz", "store.json"])
def test_a_damaged_store_is_made_again(root: Path, damage: str) -> None:
    store, _ = prepare_counting(root)
    (store.path / damage).write_bytes(b"")
    with pytest.raises(DataError, match="damaged feature store"):
        FeatureStore.open(store.path)
    _, computed = prepare_counting(root)
    assert computed == 80


def test_unusable_clips_are_left_out_with_a_reason(root: Path) -> None:
    corpus = scan(root)
    corpus.file(2).write_bytes(b"no audio")
    soundfile.write(corpus.file(5), np.full(900, 1e30, dtype=np.float32), 8_000, subtype="FLOAT")
    corpus = scan(root)
    store = prepare(corpus, FEATURES)
    assert [(clip.clip, clip.path) for clip in store.left_out] == [(clip, corpus.paths[clip]) for clip in (2, 5)]
    assert "neither WAV" in store.left_out[0].reason
    assert store.of(corpus).paths == tuple(path for clip, path in enumerate(corpus.paths) if clip not in {2, 5})
    assert len(store) == len(store.of(corpus)) == 78
    assert FeatureStore.open(store.path).left_out == store.left_out
    with pytest.raises(DataError, match="2 of 80 clips") as error:
        prepare(corpus, FEATURES, strict=True)
    assert corpus.paths[2] in error.value.message


def test_a_clip_that_may_not_be_read_now_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = scan(root)

    def refused(path: str, flags: int) -> int:
        if Path(path).name == corpus.paths[3]:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return os.open(path, flags)

    monkeypatch.setattr(audio, "_open", refused)
    with pytest.raises(DataError, match="1 of 80 clips cannot be read now"):
        prepare(corpus, FEATURES)
    assert not list(stores_folder().iterdir())
    monkeypatch.undo()
    assert not prepare(corpus, FEATURES).left_out


def test_a_clip_that_changes_during_prep_is_an_error(root: Path) -> None:
    corpus = scan(root)
    os.utime(corpus.file(3), ns=(1, 1))
    with pytest.raises(DataError, match="changed while it was read"):
        prepare(corpus, FEATURES)


def test_equal_sound_has_equal_digests_in_any_container(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-20_000, 20_000, 900, dtype=np.int16)
    for name, louder in (("0_a_0.wav", 0), ("0_b_0.flac", 0), ("1_a_0.wav", 1)):
        soundfile.write(tmp_path / name, samples + np.int16(louder), 8_000)
    first, same, other = prepare(scan(tmp_path), FEATURES).digests
    assert first == same != other
    assert len(first) == 16


def test_different_selections_keep_each_others_stores(root: Path) -> None:
    corpus = scan(root)
    whole = prepare(corpus, FEATURES)
    part = prepare(corpus.select(range(10)), FEATURES)
    assert len(FeatureStore.open(whole.path)) == 80
    assert part.path != whole.path
    relabelled = replace(corpus, digits=corpus.digits[::-1].copy())
    assert prepare(relabelled, FEATURES).path == whole.path


@pytest.mark.parametrize("content", [b"", b"{", b"[[1]]"])
def test_a_damaged_list_of_clips_is_passed_over(root: Path, content: bytes) -> None:
    older, _ = prepare_counting(root)
    (older.path / "clips.json").write_bytes(content)
    (root / scan(root).paths[0]).unlink()
    store, _ = prepare_counting(root)
    assert len(store) == 79


def test_frames_overwritten_with_zeros_are_noticed(root: Path) -> None:
    store, _ = prepare_counting(root)
    frames = store.path / "frames.f32"
    size = frames.stat().st_size
    with frames.open("r+b") as file:
        file.seek(size // 2)
        file.write(bytes(4_000))
    with pytest.raises(DataError, match="damaged at byte"):
        FeatureStore.open(store.path)


def test_a_read_error_removes_no_store(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = scan(root)
    path = prepare(corpus, FEATURES).path

    def refused(*arguments: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files", "index.npz")

    monkeypatch.setattr(np, "load", refused)
    with pytest.raises(DataError, match="Too many open files"):
        prepare(corpus, FEATURES)
    monkeypatch.undo()
    assert len(FeatureStore.open(path)) == 80


def test_pruning_spares_what_is_new_or_in_use(root: Path) -> None:
    corpus = scan(root)
    used = prepare(corpus, FEATURES)
    paths = [prepare(corpus.select(range(n)), FEATURES).path for n in (10, 20)]
    for path in (used.path, paths[0]):
        os.utime(path, (0, 0))
    assert list(prune(30)) == [str(paths[0])]
    assert sorted(stores_folder().iterdir()) == sorted([used.path, paths[1]])
    held = used.path
    del used
    assert prune(0).keys() == {str(held), str(paths[1])}
    assert not list(stores_folder().iterdir())


def test_verifying_finds_a_file_replaced_with_size_and_time_kept(root: Path, home: Path) -> None:
    corpus = scan(root)
    prepare(corpus, FEATURES)
    assert verify(corpus, FEATURES)[1] == []
    file = corpus.file(7)
    status, sound = file.stat(), file.read_bytes()
    file.write_bytes(sound[:44] + sound[:43:-1])
    os.utime(file, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert verify(corpus, FEATURES)[1] == [str(file.resolve())]


def test_verifying_takes_a_damaged_store_out_of_its_place(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = scan(root)
    path = prepare(corpus, FEATURES).path
    with (path / "frames.f32").open("r+b") as file:
        file.write(bytes(4_000))
    monkeypatch.setattr(store_module, "_BLOCKS_LOOKED_AT", 0)
    with pytest.raises(DataError, match="damaged at byte 0"):
        verify(corpus, FEATURES)
    assert not path.exists()


def test_the_number_of_threads_changes_nothing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = prepare(scan(root), FEATURES, jobs=1)
    monkeypatch.setenv("AUDIOMNIST_HOME", str(tmp_path))
    many = prepare(scan(root), FEATURES, jobs=3)
    torch.testing.assert_close(one.frames, many.frames, rtol=0, atol=0)
