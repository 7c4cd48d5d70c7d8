from pathlib import Path

import numpy as np
import pytest
import soundfile

import audiomnist
from audiomnist.inference.recognizer import Recognizer
from tests.cli.command import succeeds
from tests.conftest import say
from tests.inference.conftest import Models

RATE = 8_000


def recording(digits: str, *, noise: float = 0.0, pause_s: float = 0.3) -> np.ndarray:
    parts = [np.zeros(int(pause_s * RATE))]
    for digit in digits:
        parts += [say(int(digit), 0, 0), np.zeros(int(pause_s * RATE))]
    samples = np.concatenate(parts)
    return (samples + np.random.default_rng(0).normal(size=len(samples)) * noise).astype(np.float32)


@pytest.fixture
def recognizer(models: Models) -> Recognizer:
    return audiomnist.load(models.onnx)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_digits_are_found_where_they_are(recognizer: Recognizer, noise: float) -> None:
    digits = "3914705826"
    spoken = recognizer.segment(recording(digits, noise=noise), sample_rate=RATE)
    assert spoken.digits == digits
    place = 0.3
    for digit, segment in zip(digits, spoken.segments, strict=True):
        length = len(say(int(digit), 0, 0)) / RATE
        assert segment.start_s == pytest.approx(place, abs=0.08)
        assert segment.end_s == pytest.approx(place + length, abs=0.08)
        place += length + 0.3


@pytest.mark.parametrize(
    "samples",
    [np.zeros(RATE), np.zeros(1), np.ones(RATE), np.random.default_rng(0).normal(size=4 * RATE) * 0.1],
    ids=["silence", "one sample", "DC", "noise"],
)
def test_where_nothing_is_said_nothing_is_found(recognizer: Recognizer, samples: np.ndarray) -> None:
    assert recognizer.segment(samples, sample_rate=RATE).digits == ""


@pytest.mark.parametrize("rate", [RATE, 22_050])
def test_a_long_file_in_blocks_is_as_one(
    recognizer: Recognizer, rate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soxr

    samples = recording("3914705826" * 12)
    soundfile.write(tmp_path / "long.wav", soxr.resample(samples, RATE, rate), rate)
    in_blocks = recognizer.segment(tmp_path / "long.wav")
    monkeypatch.setattr("audiomnist.inference.sequences.PIECE_S", 1e9)
    as_one = recognizer.segment(samples, sample_rate=RATE)
    assert in_blocks.digits == as_one.digits == "3914705826" * 12
    assert in_blocks.seconds == pytest.approx(as_one.seconds, abs=0.01)
    for one, other in zip(in_blocks.segments, as_one.segments, strict=True):
        assert one.start_s == pytest.approx(other.start_s, abs=0.021)


def test_the_command_prints_digits_and_times(models: Models, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", recording("314"), RATE)
    words = ("predict", "--segment", tmp_path / "long.wav", "--model", models.onnx)
    (found,) = succeeds(*words, "--json").json
    assert found["digits"] == "314"
    assert {"start_s", "end_s", "digit", "probability"} <= found["segments"][0].keys()
    assert [segment["digit"] for segment in found["segments"]] == [3, 1, 4]
    first, *rest = succeeds(*words, "--csv", tmp_path / "table.csv").stdout.splitlines()
    assert first.endswith("long.wav: 314")
    assert len(rest) == 3
    assert (tmp_path / "table.csv").read_text().splitlines()[0].startswith("path,start_s,end_s,digit,probability")
