import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from audiomnist.config import from_settings
from audiomnist.errors import AudiomnistError
from audiomnist.inference.deployed import Deployed
from audiomnist.inference.export import Exported, export, trial_waveforms, weights_sha256
from audiomnist.inference.metadata import Metadata
from audiomnist.inference.onnx_recognizer import OnnxRecognizer
from audiomnist.inference.opening import open_model, weights_file
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.shipped import version_path
from audiomnist.training.checkpoint import TrainedModel, load_model
from audiomnist.training.models import build_model
from audiomnist.training.no_digit import NoDigit
from tests.cli.command import audiomnist, succeeds
from tests.inference.conftest import Models

CPU = torch.device("cpu")
FORBIDDEN = {"STFT", "DFT", "MelWeightMatrix", "HannWindow", "Loop", "If", "Scan", "NonZero"}
CLASSES = tuple("0123456789")


def untrained(version: str, **changes: object) -> TrainedModel:
    """Return a shipped version's network with random weights, its batch normalisation as after some training."""
    import yaml

    settings = yaml.safe_load(version_path(version).read_text(encoding="utf-8"))
    settings["window"]["clip_ms"] = 900 if settings["window"]["clip_ms"] == "auto" else settings["window"]["clip_ms"]
    config = from_settings({**settings, **changes}, version)
    network = build_model(config, len(CLASSES)).eval()
    stream = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.copy_(torch.randn(layer.num_features, generator=stream) * 0.1)
            layer.running_var.copy_(torch.rand(layer.num_features, generator=stream) + 0.5)
    return TrainedModel(network, config, CLASSES, temperature=1.5)


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4", "v4-tiny", "digits"])
def test_the_deployed_network_is_that_of_training(version: str) -> None:
    model = untrained(version)
    expected = TorchRecognizer(model, CPU)
    deployed, waveforms = Deployed(model), trial_waveforms(model.config.features.sample_rate)[20:]
    for samples, logits in zip(waveforms, expected.logits(waveforms), strict=True):
        with torch.inference_mode():
            probabilities, _, found = deployed(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
        np.testing.assert_allclose(found[0].numpy(), logits, atol=2e-4)
        np.testing.assert_allclose(probabilities[0], expected.answering.probabilities(logits[None])[0], atol=1e-4)


@pytest.fixture(scope="module", params=["v3 and none", "digits"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedModel, Path]:
    """A network whose padding is noise, with an output for "no digit", and one that trims."""
    version, *has_class = request.param.split(" and ")
    changes = {"no_digit": {"data": ["words.csv"]}} if has_class else {}
    no_digit = NoDigit("class", 0.5, 0.05, 10) if has_class else None
    model = replace(untrained(version, **changes), no_digit=no_digit)
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    written = export(model, path, "onnx")
    assert isinstance(written, Exported)
    assert written.largest_difference <= 1e-4
    assert written.n_bytes == path.stat().st_size
    return model, path


@pytest.mark.parametrize("size", [1, 3, 17])
def test_batches_of_any_size_say_the_same(exported: tuple[TrainedModel, Path], size: int) -> None:
    model, path = exported
    waveforms = trial_waveforms(model.config.features.sample_rate)[::-1][:size]
    ours, other = TorchRecognizer(model, CPU), OnnxRecognizer(path)
    expected = ours.answering.probabilities(ours.logits(waveforms))
    lengths = np.array([len(samples) for samples in waveforms])
    batch = np.full((size, lengths.max()), 0.7, np.float32)  # what follows a waveform must not matter
    for row, samples in zip(batch, waveforms, strict=True):
        row[: len(samples)] = samples
    probabilities, score = other.session.run(["probabilities", "score"], {"waveforms": batch, "lengths": lengths})
    assert probabilities.shape == (size, 10)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    assert score.shape == (size,)
    assert other.logits(waveforms).shape == (size, 11 if model.config.no_digit.data else 10)
    np.testing.assert_allclose(other.answering.probabilities(other.logits(waveforms)), expected, atol=1e-4)


def test_the_file_is_one_and_has_ordinary_operators_only(exported: tuple[TrainedModel, Path]) -> None:
    _, path = exported
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]
    content = onnx.load(path)
    assert not FORBIDDEN & {node.op_type for node in content.graph.node}
    onnx.checker.check_model(content)


def test_no_file_tells_where_it_was_made(exported: tuple[TrainedModel, Path]) -> None:
    shipped = weights_file("digits").with_suffix(".onnx")
    for path in (exported[1], shipped):
        assert not re.findall(rb"[\w./-]+\.py", path.read_bytes()), path


def test_the_file_says_what_it_is(exported: tuple[TrainedModel, Path]) -> None:
    model, path = exported
    entries = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert json.loads(entries["classes"]) == list(CLASSES)
    assert json.loads(entries["sample_rate"]) == model.config.features.sample_rate
    assert json.loads(entries["window_ms"]) == model.config.window.clip_ms
    assert json.loads(entries["no_digit"]) == (asdict(model.no_digit) if model.no_digit else None)
    assert json.loads(entries["weights_sha256"]) == weights_sha256(model)
    assert json.loads(entries["temperature"]) == 1.5
    assert "not stated" in json.loads(entries["licence"])
    assert Metadata.of(entries).no_digit == model.no_digit


def test_the_shipped_file_has_the_weights_of_the_shipped_model() -> None:
    weights = load_model(weights_file("digits"), CPU)
    shipped = open_model("digits")
    assert isinstance(shipped, OnnxRecognizer)
    # after a new model: python benchmarks/digits.py RUN --ship
    assert shipped.metadata.weights_sha256 == weights_sha256(weights)
    assert shipped.metadata.licence == weights.licence
    assert "CC BY-SA 4.0" in shipped.metadata.licence
    assert shipped.answering == TorchRecognizer(weights, CPU).answering


def test_a_file_that_answers_otherwise_is_not_kept(
    models: Models, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("audiomnist.inference.export.MOST_DIFFERENCE", -1.0)
    with pytest.raises(AudiomnistError, match="differs from PyTorch"):
        export(load_model(models.run / "model.safetensors", CPU), tmp_path / "model.pt2", "torch")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_beside_the_model(models: Models, tmp_path: Path) -> None:
    assert models.printed.startswith(f"{models.run / 'model.onnx'}: ")
    assert "same answers" in models.printed
    path = tmp_path / "model.pt2"
    document = succeeds("export", models.run, "--format", "torch", "--out", path, "--json").json
    assert (document["path"], document["n_bytes"]) == (str(path), path.stat().st_size)
    assert document["largest_difference"] <= 1e-4
    program = torch.export.load(path).module()
    samples = torch.from_numpy(trial_waveforms(8_000)[0])
    probabilities, *_ = program(samples[None], torch.tensor([len(samples)]))
    assert float(probabilities.sum()) == pytest.approx(1)


def test_an_export_cannot_be_exported(models: Models) -> None:
    refused = audiomnist("export", models.onnx)
    assert refused.exit_code == 3
    assert "an export already" in refused.stderr
