"""Explanations of a network that tells tones apart, of which it is known which bands matter."""

import numpy as np
import pytest
import torch

from audiomnist.errors import UsageError
from audiomnist.evaluation.explanation import Checks, Explainer
from audiomnist.evaluation.relevance import METHODS, Method, _Layers
from audiomnist.features.mel import band_centres_hz
from audiomnist.inference.torch_recognizer import TorchRecognizer
from tests.conftest import LOWEST_TONE_HZ, TONE_RATIO
from tests.page.conftest import CPU, RATE, clip, settings, trained, untrained

DIGITS = (2, 5, 8)


@pytest.fixture(scope="module")
def recognizer() -> TorchRecognizer:
    return TorchRecognizer(trained(), CPU)


@pytest.mark.parametrize("method", METHODS)
def test_explanations_pass_their_checks(recognizer: TorchRecognizer, method: str) -> None:
    explainer = Explainer(recognizer, method)
    found = [explainer.explain(clip(digit, 7), RATE).explanations[0] for digit in DIGITS]
    assert [one.label for one in found] == list(DIGITS)
    lost, lost_elsewhere, alike = np.mean(
        [
            (
                one.checks.probability - one.checks.without_relevant,
                one.checks.probability - one.checks.without_random,
                one.checks.random_weights,
            )
            for one in found
        ],
        axis=0,
    )
    assert lost > 2 * lost_elsewhere
    assert abs(alike) < 0.3


def test_the_bands_of_the_tones_speak_for_a_digit(recognizer: TorchRecognizer) -> None:
    explained = Explainer(recognizer, "lrp").explain(clip(5, 7), RATE)
    by_band = explained.explanations[0].relevance.clip(min=0).sum(0)
    centres = band_centres_hz(recognizer.model.config.features).numpy()
    tones = [LOWEST_TONE_HZ * TONE_RATIO ** ((5 * step) % 10) for step in (1, 3)]
    near = np.zeros(len(centres), np.bool_)
    for tone in tones:
        near |= np.abs(np.arange(len(centres)) - np.interp(tone, centres, np.arange(len(centres)))) < 3
    assert by_band[near].mean() > 2 * by_band[~near].mean()


def test_what_speaks_for_one_digit_speaks_against_another(recognizer: TorchRecognizer) -> None:
    explained = Explainer(recognizer, "lrp").explain(clip(5, 7), RATE, classes=[2])
    own, other = (one.relevance for one in explained.explanations)
    assert own.shape == other.shape == explained.spectrogram.shape
    assert np.corrcoef(own.ravel(), other.ravel())[0, 1] < 0


@pytest.mark.parametrize("waits_s", [0.1, 0.3])
def test_frames_are_timed_from_the_beginning(recognizer: TorchRecognizer, waits_s: float) -> None:
    before = np.zeros(int(waits_s * RATE), np.float32)
    explained = Explainer(recognizer, "lrp").explain(np.concatenate([before, clip(5, 7)]), RATE)
    assert explained.first_s == pytest.approx(waits_s, abs=0.03)


def noise(network: torch.nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
    seed = round(1_000 * float(next(network.parameters()).detach().abs().sum()))  # other numbers for another network
    return torch.rand(inputs.shape, generator=torch.Generator().manual_seed(seed))


def loudness(network: torch.nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
    return inputs


@pytest.mark.parametrize("method", [noise, loudness])
def test_a_map_that_knows_nothing_of_the_network_is_found_out(
    recognizer: TorchRecognizer, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    monkeypatch.setitem(METHODS, "empty", method)
    explainer = Explainer(recognizer, "empty")
    holding = [digit for digit in DIGITS if explainer.explain(clip(digit, 7), RATE).explanations[0].checks.hold]
    assert len(holding) <= 1  # by chance


def test_checks_hold_only_where_both_do() -> None:
    assert Checks(0.9, 0.2, 0.85, 0.1).hold
    assert not Checks(0.9, 0.84, 0.86, 0.1).hold
    assert not Checks(0.9, 0.2, 0.85, 0.9).hold


@pytest.mark.parametrize("version", ["v2", "v4", "v4-tiny"])
def test_lrp_sees_the_network_itself(version: str) -> None:
    network = untrained(settings("window.clip_ms=700", version=version)).network
    inputs = torch.randn(2, 1, 71, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(_Layers(network)(inputs), network(inputs), atol=1e-3, rtol=1e-3)


def test_unknown_names(recognizer: TorchRecognizer) -> None:
    with pytest.raises(UsageError, match="not a class"):
        Explainer(recognizer, "lrp").explain(clip(5), RATE, classes=[11])
    with pytest.raises(UsageError, match="gradcam"):
        Explainer(recognizer, "gradcam")
