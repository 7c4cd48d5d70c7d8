"""Every leak that the check stops, on real files and features."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiomnist.config import from_settings
from audiomnist.corpus import Split, scan
from audiomnist.errors import DataError
from audiomnist.evaluation.leaks import check
from audiomnist.features import prepare
from tests.conftest import MakeCorpus

FEATURES = {"sample_rate": 8_000, "n_fft": 256, "hop_length": 128, "n_mels": 24}


def checked(folder: Path, scheme: str, train: str, test: str, validation: str = "nothing") -> None:
    """Check a split of a folder whose parts are the clips whose paths hold a text."""
    corpus = scan(folder)
    config = from_settings({"features": FEATURES, "split": {"scheme": scheme}}, "test")
    store = prepare(corpus, config.features)
    parts = [np.flatnonzero([text in path for path in corpus.paths]) for text in (train, validation, test)]
    check(config, corpus, store, Split.of(corpus, *parts))


@pytest.fixture
def clips(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    """Clips of george, jackson and lucas, two repetitions each."""
    return make_corpus(tmp_path / "clips", speakers=3, repetitions=2)


def test_a_clean_split_passes(clips: Path) -> None:
    checked(clips, "speaker", "george", "jackson", "lucas")
    checked(clips, "random", "_0.wav", "_1.wav")


@pytest.mark.parametrize("scheme", ["speaker", "becker-0", "becker-gender-3"])
def test_a_voice_on_both_sides_is_refused_by_speaker_schemes(clips: Path, scheme: str) -> None:
    with pytest.raises(DataError, match="3 speakers are in both train and test, such as george"):
        checked(clips, scheme, "_0.wav", "_1.wav")


def test_a_voice_that_chose_and_is_tested_is_stopped(clips: Path) -> None:
    with pytest.raises(DataError, match="both validation and test"):
        checked(clips, "speaker", "george", "jackson_0", "jackson_1")


def test_a_tested_clip_copied_into_training_is_refused(clips: Path) -> None:
    shutil.copy(clips / "3_george_1.wav", clips / "3_george_7.wav")
    with pytest.raises(DataError) as error:
        checked(clips, "random", "_1.wav", "_7.wav")
    assert "1 recordings" in error.value.message
    assert "3_george_1.wav (train) = 3_george_7.wav (test)" in error.value.message
    assert "--exclude-file" in error.value.hint


def test_a_copy_under_another_name_label_and_format_is_stopped(clips: Path) -> None:
    samples, rate = soundfile.read(clips / "3_george_1.wav", dtype="int16")
    soundfile.write(clips / "8_lucas_9.flac", samples, rate)
    with pytest.raises(DataError, match=r"8_lucas_9\.flac"):
        checked(clips, "speaker", "george", "lucas")


def test_a_copy_within_one_part_is_no_leak(clips: Path) -> None:
    shutil.copy(clips / "3_george_1.wav", clips / "3_george_7.wav")
    checked(clips, "speaker", "george", "jackson")


def test_silence_is_like_other_silence_and_no_leak(clips: Path) -> None:
    for name in ("0_george_8.wav", "0_jackson_8.wav"):
        soundfile.write(clips / name, np.zeros(4_000), 8_000)
    checked(clips, "speaker", "george", "jackson")


def test_a_class_that_is_tested_but_never_trained_is_stopped(clips: Path) -> None:
    for path in clips.glob("7_george_*.wav"):
        path.unlink()
    with pytest.raises(DataError, match="no clips to train on for digit 7"):
        checked(clips, "speaker", "george", "jackson")


def test_speakers_stay_apart_after_a_split_was_edited(clips: Path) -> None:
    corpus = scan(clips)
    drawn = Split.of(corpus, *(np.flatnonzero(corpus.speakers == name) for name in ("george", "lucas", "jackson")))
    moved = replace(drawn, train=np.append(drawn.train, drawn.test[0]), test=drawn.test[1:])
    config = from_settings({"features": FEATURES, "split": {"scheme": "speaker"}}, "test")
    store = prepare(corpus, config.features)
    with pytest.raises(DataError, match="jackson"):
        check(config, corpus, store, moved)
