"""The page computes what PyTorch computes."""

import io
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audiomnist.audio import resample
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.page.export import export_html
from audiomnist.training.checkpoint import TrainedModel
from audiomnist.training.models import MODELS
from audiomnist.training.no_digit import NoDigit
from tests.page.conftest import CPU, RATE, SMALL_V4, Made, clip, settings, untrained

READ = """
const read = coded => readFile(new File([Uint8Array.from(atob(coded), letter => letter.charCodeAt(0))], "clip.wav"));
const resampled = async coded => {
  const {samples, rate} = await read(coded);
  return resample(samples, rate, recognizer.rate);
};
"""
Samples = NDArray[np.float32]


def wav(samples: Samples, rate: int, subtype: str = "FLOAT") -> str:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return b64encode(file.getvalue()).decode()


def in_browser(chromium: Any, model: TrainedModel, folder: Path, clips: list[str]) -> list[dict[str, Any]]:
    export_html(model, folder / "page.html")
    answer = f"async coded => {{ {READ} return recognizer.answer(await resampled(coded)); }}"
    page = chromium.new_page()
    page.goto((folder / "page.html").as_uri())
    answers = [page.evaluate(answer, coded) for coded in clips]
    page.close()
    return answers


def assert_alike(chromium: Any, model: TrainedModel, folder: Path, clips: list[Samples]) -> None:
    recognizer = TorchRecognizer(model, CPU)
    rate = recognizer.answering.sample_rate
    answers = in_browser(chromium, model, folder, [wav(samples, rate) for samples in clips])
    expected = recognizer.answering.probabilities(recognizer.logits(clips))
    found = np.array([answer["probabilities"] for answer in answers])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_array_equal(found.argmax(1), expected.argmax(1))


def test_trained_network(chromium: Any, made: Made, tmp_path: Path) -> None:
    clips = [clip(digit, repetition) for digit in range(10) for repetition in (0, 4, 7)]
    assert_alike(chromium, made.model, tmp_path, clips)


@pytest.mark.parametrize("network", MODELS)
def test_every_network(network: str, chromium: Any, tmp_path: Path) -> None:
    model = untrained(settings(f"model.name={network}", *SMALL_V4))
    assert_alike(chromium, model, tmp_path, [clip(digit) for digit in range(10)])


def test_window_of_silence(chromium: Any, tmp_path: Path) -> None:
    config = settings(version="v2")
    clips = [clip(digit, sample_rate=config.features.sample_rate) for digit in range(4)]
    assert_alike(chromium, untrained(config), tmp_path, clips)


def test_trimming_above_the_background(chromium: Any, tmp_path: Path) -> None:
    changes = "window.trim_db=50", "window.trim_snr_db=10", "features.lowest_hz=80"
    draw = np.random.default_rng(0)
    click = np.zeros(1_600, np.float32)
    click[800] = 1
    clips = [
        *(np.concatenate([np.zeros(5_000), clip(digit), np.zeros(4_000)]) + 0.2 for digit in range(3)),
        *(clip(digit) + draw.normal(0, level, len(clip(digit))) for digit in (4, 5) for level in (0.001, 0.1)),
        np.concatenate([click, clip(6), click]),
        click,
    ]
    model = untrained(settings(*SMALL_V4, *changes))
    assert_alike(chromium, model, tmp_path, [samples.astype(np.float32) for samples in clips])


def test_odd_clips(chromium: Any, made: Made, tmp_path: Path) -> None:
    seven = clip(7)
    draw = np.random.default_rng(0)
    clips = [
        np.zeros(4_000, np.float32),
        np.full(1, 0.5, np.float32),
        np.clip(20 * seven, -1, 1),
        seven + np.float32(0.3),
        seven[:200],
        np.tile(seven, 5),
        draw.normal(0, 0.1, 30_000).astype(np.float32),
        np.concatenate([np.zeros(9_000, np.float32), seven, np.zeros(9_000, np.float32)]),
    ]
    assert_alike(chromium, made.model, tmp_path, clips)


@pytest.mark.parametrize("rate", [8_000, 44_100, 44_101, 48_000])
def test_other_sample_rates(rate: int, chromium: Any, made: Made, tmp_path: Path) -> None:
    clips = [clip(digit, sample_rate=rate) for digit in range(10)]
    answers = in_browser(chromium, made.model, tmp_path, [wav(samples, rate) for samples in clips])
    recognizer = TorchRecognizer(made.model, CPU)
    expected = recognizer.answering.probabilities(recognizer.logits([resample(one, rate, RATE) for one in clips]))
    np.testing.assert_allclose([answer["probabilities"] for answer in answers], expected, atol=1e-3)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "DOUBLE"])
def test_kinds_of_wav(subtype: str, chromium: Any, made: Made) -> None:
    stereo = np.stack([clip(3), 0.5 * clip(3)], 1)
    page = chromium.new_page()
    page.goto(made.url)
    samples = page.evaluate(
        f"async coded => {{ {READ} return Array.from(await resampled(coded)); }}", wav(stereo, RATE, subtype)
    )
    page.close()
    np.testing.assert_allclose(samples, stereo.mean(1), atol=0.01 if subtype == "PCM_U8" else 1e-4)


def test_no_digit(chromium: Any, tmp_path: Path) -> None:
    model = untrained(settings(*SMALL_V4), n_outputs=11)
    clips = [clip(digit) for digit in range(10)]
    logits = TorchRecognizer(model, CPU).logits(clips)
    scores = np.log(np.exp(logits[:, :10].astype(float)).sum(1)) - logits[:, 10]
    model = replace(model, no_digit=NoDigit("class", float(np.median(scores)), 0.05, 10))
    answers = in_browser(chromium, model, tmp_path, [wav(samples, RATE) for samples in clips])
    assert [answer["isNone"] for answer in answers] == (scores < np.median(scores)).tolist()


def test_number_in_noise(chromium: Any, made: Made) -> None:
    draw = np.random.default_rng(0)
    said = [np.zeros(6_000), *(part for digit in (3, 1, 4, 1, 5) for part in (clip(digit), np.zeros(6_400)))]
    samples = (np.concatenate(said) + draw.normal(0, 0.003, sum(map(len, said)))).astype(np.float32)
    expected = TorchRecognizer(made.model, CPU).segment(samples, RATE).segments
    page = chromium.new_page()
    page.goto(made.url)
    found = page.evaluate(
        f"async coded => {{ {READ} return findDigits(recognizer, await resampled(coded)); }}", wav(samples, RATE)
    )
    page.close()
    assert [word["label"] for word in found] == [str(segment.digit) for segment in expected] == list("31415")
    starts = [segment.start_s for segment in expected]
    np.testing.assert_allclose([word["start"] / RATE for word in found], starts, atol=0.05)
