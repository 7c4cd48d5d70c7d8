import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import audiomnist
from audiomnist.errors import DataError, UsageError
from audiomnist.features.mel import ClipFrames, MelPower
from audiomnist.features.store import ClipStore
from audiomnist.inference.recognizer import Recognizer
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.training.checkpoint import load_model
from audiomnist.training.no_digit import NoDigit
from tests.conftest import say
from tests.inference.conftest import Models

RATE = 8_000


def word(digit: int, repetition: int = 0) -> np.ndarray:
    return say(digit, 0, repetition).astype(np.float32)


@pytest.fixture(params=["run", "safetensors", "onnx"])
def recognizer(request: pytest.FixtureRequest, models: Models) -> Recognizer:
    paths = {"run": models.run, "safetensors": models.run / "model.safetensors", "onnx": models.onnx}
    return audiomnist.load(paths[request.param], device="cpu")


def test_a_path_an_array_and_a_list_get_one_answer(recognizer: Recognizer, models: Models) -> None:
    path = models.corpus / "7_george_0.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    answer = recognizer(path)
    assert answer.digit == 7
    assert answer.probability == answer.probabilities[7] == max(answer.probabilities.values())
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.seconds == len(samples) / rate
    assert answer.second_guess[0] != 7
    assert recognizer(str(path)) == answer
    assert recognizer(samples, sample_rate=rate) == answer
    both = recognizer([path, models.corpus / "3_george_0.wav"])
    assert [one.digit for one in both] == [7, 3]
    assert both[0].probability == pytest.approx(answer.probability, abs=1e-6)
    assert recognizer([]) == []


def test_integers_and_several_channels_mean_the_same(models: Models) -> None:
    samples, rate = soundfile.read(models.corpus / "7_george_0.wav", dtype="int16")
    expected = models.recognizer(samples / 2**15, sample_rate=rate).probabilities
    for other in (samples, np.stack([samples, samples], 1), samples.astype(np.int32) << 16):
        assert models.recognizer(other, sample_rate=rate).probabilities == pytest.approx(expected, abs=1e-4)


def test_any_rate_is_resampled(recognizer: Recognizer) -> None:
    import soxr

    samples = soxr.resample(word(4), RATE, 44_100)
    assert recognizer(samples, sample_rate=44_100).digit == 4


@pytest.mark.parametrize("samples", [np.zeros(0), np.array([np.nan]), np.zeros((2, 2, 2)), np.array([np.inf])])
def test_an_array_that_is_no_sound_is_refused(models: Models, samples: np.ndarray) -> None:
    with pytest.raises(DataError, match="array of shape"):
        models.recognizer(samples, sample_rate=RATE)
    with pytest.raises(UsageError, match="sample rate"):
        models.recognizer(samples)


def test_a_store_and_its_waveforms_get_one_answer(models: Models) -> None:
    recognizer = models.recognizer
    waveforms = [word(digit) for digit in range(10)]
    features = recognizer.model.config.features
    store = ClipStore.in_memory(features, ClipFrames.of(waveforms, MelPower(features)))
    clips = np.array([5, 3])
    from_store = recognizer.store_logits(store, clips)
    np.testing.assert_allclose(from_store, recognizer.logits(waveforms)[clips], atol=1e-5)
    assert recognizer.inputs(store, clips).shape[0] == 2


def test_an_answer_depends_on_its_recording_alone(recognizer: Recognizer) -> None:
    waveforms = [word(digit, repetition) for repetition in range(10) for digit in range(10)]
    together = recognizer.logits(waveforms)
    alone = np.concatenate([recognizer.logits([samples]) for samples in waveforms])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_many_threads_get_the_answers_of_one(recognizer: Recognizer, models: Models) -> None:
    paths = sorted(models.corpus.glob("*.wav"))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(recognizer, paths))
    for one, other in zip(found, recognizer(paths), strict=True):
        assert one.digit == other.digit
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)


def test_a_stream_names_what_is_broken_in_its_place(recognizer: Recognizer, models: Models, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    good = models.corpus / "2_george_0.wav"
    first, second, third = recognizer.stream([broken, good, broken], jobs=2)
    assert isinstance(first, DataError)
    assert isinstance(third, DataError)
    assert str(broken) in first.message
    assert not isinstance(second, DataError)
    assert second.digit == 2
    with pytest.raises(DataError, match="broken"):
        recognizer([good, broken])


def test_a_score_below_the_threshold_is_no_digit(models: Models) -> None:
    model = models.recognizer.model
    scores = {}
    for threshold in (-1e9, 1e9):
        rejecting = replace(model, no_digit=NoDigit("class", threshold, 0.05, 10))
        scores[threshold] = TorchRecognizer(rejecting, torch.device("cpu"))(word(6), sample_rate=RATE)
    assert scores[-1e9].digit == 6
    rejected = scores[1e9]
    assert rejected.digit is None
    assert rejected.probability == rejected.probabilities[6] == scores[-1e9].probability
    assert rejected.second_guess[0] == 6


def test_there_is_no_such_model(tmp_path: Path, models: Models) -> None:
    with pytest.raises(DataError, match="there is no model"):
        audiomnist.load(tmp_path / "nothing.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(DataError, match="not an exported model"):
        audiomnist.load(tmp_path / "text.onnx")
    with pytest.raises(DataError, match="there is no run"):
        audiomnist.load(tmp_path)


def test_temperature_makes_answers_less_certain(models: Models) -> None:
    model = load_model(models.run / "model.safetensors", torch.device("cpu"))
    hot = TorchRecognizer(replace(model, temperature=4.0), torch.device("cpu"))
    assert hot(word(1), sample_rate=RATE).probability < models.recognizer(word(1), sample_rate=RATE).probability


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import audiomnist, sys; print(*({'torch', 'numpy', 'pydantic', 'onnxruntime'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_an_onnx_model_loads_no_torch(models: Models) -> None:
    file = models.corpus / "7_george_0.wav"
    code = (
        f"import audiomnist, sys; print(audiomnist.load({str(models.onnx)!r})({str(file)!r}).digit);"
        "print('torch' in sys.modules, 'torchaudio' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["7", "False", "False"]
