"""A browser, and a page with a small network that tells the tests' tones apart."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from audiomnist.config import Config, load
from audiomnist.features.mel import ClipFrames, MelPower
from audiomnist.features.store import ClipStore
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.page.export import export_html
from audiomnist.shipped import version_path
from audiomnist.training.checkpoint import TrainedModel
from audiomnist.training.models import build_model
from tests.conftest import say

RATE = 16_000
CPU = torch.device("cpu")
DIGITS = tuple(str(digit) for digit in range(10))
QUIET_BROWSER = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
SMALL_V4 = ("model.widths=[8,16,24]", "window.clip_ms=700")


def clip(digit: int, repetition: int = 0, *, sample_rate: int = RATE) -> NDArray[np.float32]:
    return say(digit, repetition % 3, repetition, sample_rate=sample_rate).astype(np.float32)


def settings(*changes: str, version: str = "v4") -> Config:
    return load(version_path(version), changes)


def untrained(config: Config, n_outputs: int = 10) -> TrainedModel:
    """Return a network with statistics as after a training, whose answers differ from clip to clip."""
    network = build_model(config, n_outputs)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.3, generator=draw)
                layer.running_var.uniform_(0.3, 2, generator=draw)
                layer.weight.uniform_(0.5, 2, generator=draw)
                layer.bias.normal_(0, 0.3, generator=draw)
    return TrainedModel(network.eval(), config, DIGITS)


@cache
def trained() -> TrainedModel:
    """Return a network that tells the tones apart, to be read only."""
    model = TrainedModel(build_model(settings(*SMALL_V4), 10), settings(*SMALL_V4), DIGITS)
    # Some without their soft ends, as they are found in a longer recording.
    cuts = (slice(None), slice(640, -640), slice(480, -1120))
    spoken = [(digit, clip(digit, repetition)[cuts[repetition % 3]]) for digit in range(10) for repetition in range(5)]
    frames = ClipFrames.of([torch.from_numpy(samples) for _, samples in spoken], MelPower(model.config.features))
    store = ClipStore.in_memory(model.config.features, frames)
    inputs = torch.from_numpy(TorchRecognizer(model, CPU).inputs(store, np.arange(len(spoken))))
    digits = torch.tensor([digit for digit, _ in spoken])
    optimizer = torch.optim.Adam(model.network.parameters(), 0.01)
    model.network.train()
    for _ in range(50):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model.network(inputs), digits).backward()
        optimizer.step()
    model.network.eval()
    return model


@dataclass(frozen=True)
class Made:
    """A model and its page."""

    model: TrainedModel
    path: Path

    @property
    def url(self) -> str:
        return self.path.as_uri()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    model, path = trained(), tmp_path_factory.mktemp("page") / "digits.html"
    export_html(model, path)
    return Made(model, path)


def chromium_path() -> str:
    """Return the browser; where there is none, a user's test is skipped and that of a continuous integration fails."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        answer = pytest.fail if os.environ.get("CI") else pytest.skip
        answer("there is no Chromium, which the page is tested in: apt-get install chromium")
    return found


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium_path()
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(driver: Any) -> Iterator[Any]:
    browser = driver.chromium.launch(executable_path=chromium_path(), args=QUIET_BROWSER)
    yield browser
    browser.close()
