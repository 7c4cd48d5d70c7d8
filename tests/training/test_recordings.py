from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiomnist.config import Features
from audiomnist.errors import DataError
from audiomnist.training.recordings import find_recordings, load_recordings, silences, stretches
from tests.conftest import MakeCorpus

FEATURES = Features(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=24)


def record(file: Path, seconds: float, seed: int = 0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, np.random.default_rng(seed).uniform(-0.5, 0.5, int(8_000 * seconds)), 8_000)
    return file


def test_clips_of_digits_in_a_folder_are_no_other_sounds(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    folder = make_corpus(tmp_path / "clips", speakers=1, repetitions=1)
    noise = record(folder / "noises" / "tap.flac", 2)
    assert find_recordings(str(folder), "train") == [noise]


def test_a_manifest_gives_the_lines_of_one_part(tmp_path: Path) -> None:
    for name in ("cat", "bed"):
        record(tmp_path / f"{name}.wav", 0.5)
    manifest = tmp_path / "words.csv"
    manifest.write_text("path,word,split\ncat.wav,cat,train\nbed.wav,bed,test\n")
    assert find_recordings(str(manifest)) == [tmp_path / "cat.wav"]
    assert find_recordings(str(manifest), "test") == [tmp_path / "bed.wav"]


@pytest.mark.parametrize("text", ["word\ncat\n", "path\n", "{", "\x00"])
def test_a_manifest_without_recordings_is_refused_by_name(tmp_path: Path, text: str) -> None:
    manifest = tmp_path / "words.csv"
    manifest.write_text(text)
    with pytest.raises(DataError, match=r"words\.csv"):
        find_recordings(str(manifest))


def test_every_unreadable_recording_is_named(tmp_path: Path) -> None:
    for name in ("one.wav", "two.wav"):
        (tmp_path / name).write_bytes(b"no sound")
    with pytest.raises(DataError, match=r"(?s)2 of 2 .*one\.wav.*two\.wav"):
        load_recordings([str(tmp_path)], FEATURES)


def test_a_long_recording_is_cut_into_clips_and_a_short_one_kept(tmp_path: Path) -> None:
    files = [record(tmp_path / "long.wav", 5), record(tmp_path / "short.wav", 0.3)]
    power = load_recordings(map(str, files), FEATURES)
    store = stretches(power, FEATURES, 60)
    assert store.index.n_frames.sum() == sum(map(len, power))
    assert store.index.n_frames[:-1].min() >= 60
    assert store.index.n_frames[-1] == len(power[-1])
    assert torch.equal(store.frames[:-1], torch.cat(power))


def test_silences_hold_digital_silence_and_are_the_same_again() -> None:
    power = silences(FEATURES, 3)
    assert not power[0].any()
    assert all(torch.equal(one, other) for one, other in zip(power, silences(FEATURES, 3), strict=True))
