"""The model that comes with the program, on speech made here, and against its own card."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import audiomnist
from audiomnist.audio import resample
from audiomnist.config import load, version_path
from audiomnist.inference.answers import Answer
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.synthesis.espeak import SAMPLE_RATE_HZ, utter
from audiomnist.synthesis.voices import cast
from audiomnist.training.checkpoint import TrainedModel, load_model
from audiomnist.training.recordings import silent_waves

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
UNHEARD = (
    "yesterday",
    "elephant",
    "hospital",
    "chicken",
    "umbrella",
    "market",
    "jungle",
    "sandwich",
    "finger",
    "weather",
)
FILE = Path(audiomnist.__file__).parent / "models" / "digits.safetensors"
CARD = FILE.with_suffix(".md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return load_model(FILE, torch.device("cpu"))


@pytest.fixture(scope="module")
def recognizer(model: TrainedModel) -> TorchRecognizer:
    return TorchRecognizer(model, torch.device("cpu"))


def fact(name: str) -> str:
    found = re.search(rf"^\| {name} \| (.*) \|$", CARD, re.MULTILINE)
    assert found, name
    return found.group(1).replace("`", "")


def test_the_file_is_the_one_of_its_card_and_small() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == fact("SHA-256")
    assert FILE.stat().st_size <= 2_000_000


def test_the_card_says_what_the_model_is(model: TrainedModel) -> None:
    assert ", ".join(model.classes) == fact("classes")
    assert f"{sum(weights.numel() for weights in model.network.parameters()):,}" == fact("parameters")
    window = f"{model.config.window.clip_ms} ms at {model.config.features.sample_rate} Hz"
    assert window == fact("window")
    assert model.no_digit is not None
    assert f"method {model.no_digit.method}, threshold {model.no_digit.threshold:.4f}" == fact("no digit")


def test_it_was_trained_with_the_configuration_that_ships(model: TrainedModel) -> None:
    shipped = load(version_path("digits"))
    augment = model.config.augment.model_copy(update={"noise_data": ()})
    assert augment == shipped.augment
    for group in ("features", "window", "model", "optim"):
        assert getattr(model.config, group) == getattr(shipped, group), group


def answers_to(words: Sequence[str], recognizer: TorchRecognizer) -> list[Answer]:
    spoken = [
        utter(word, voice.variant, voice.accent, pitch=50, pitch_range=50, rate_wpm=140, noise_seed=0)
        for voice in cast(7)[:6]
        for word in words
    ]
    waves = [resample(sound.astype(np.float32) / 2**15, SAMPLE_RATE_HZ, 16_000) for sound in spoken]
    return recognizer.answers([(wave, 16_000) for wave in waves])


def test_it_recognises_synthetic_digits(recognizer: TorchRecognizer) -> None:
    answers = answers_to(DIGITS, recognizer)
    correct = [str(answer.digit) == str(number % 10) for number, answer in enumerate(answers)]
    assert np.mean(correct) >= 0.9


def test_it_takes_words_that_it_never_heard_for_no_digit(recognizer: TorchRecognizer) -> None:
    taken = [answer.digit is not None for answer in answers_to(UNHEARD, recognizer)]
    assert np.mean(taken) <= 0.15


@pytest.mark.parametrize("length", [160, 3_000, 16_000])
def test_it_takes_digital_silence_for_no_digit(recognizer: TorchRecognizer, length: int) -> None:
    (answer,) = recognizer.answers([(np.zeros(length, np.float32), 16_000)])
    assert answer.digit is None


def test_it_takes_silence_and_noise_for_no_digit(recognizer: TorchRecognizer) -> None:
    waves = [wave for seed in range(5, 13) for wave in silent_waves(16_000, seed=seed)]
    answers = recognizer.answers([(wave, 16_000) for wave in waves])
    assert np.mean([answer.digit is not None for answer in answers]) <= 0.01
