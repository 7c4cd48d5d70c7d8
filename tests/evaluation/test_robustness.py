"""The sweep on a small trained network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audiomnist.corpus.scan import Corpus
from audiomnist.evaluation.robustness.sweep import N_CLIPS, Clip, all_families, spread_evenly, stream, sweep
from audiomnist.features import prepare
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import robustness_figure
from audiomnist.runs.robustness import Curve, Robustness
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.trainer import Trainer, predict_logits
from audiomnist.training.transforms import FrontEnd
from tests.training.conftest import Material

CPU = torch.device("cpu")


WINDOWS = ({}, {"padding": "noise"}, {"padding": "blank", "trim_db": 35.0})


def trained(material: Material, **window: object) -> Trainer:
    optim = material.config.optim.model_copy(update={"epochs": 6})
    changes = {"optim": optim, "window": material.config.window.model_copy(update=window)}
    trainer = replace(material, config=material.config.model_copy(update=changes)).trainer()
    trainer.fit([])
    return trainer


@pytest.fixture(scope="module")
def trainer(material: Material) -> Trainer:
    return trained(material)


def run_sweep(trainer: Trainer, corpus: Corpus, clips: np.ndarray) -> Robustness:
    return sweep(TorchRecognizer(trainer.trained, CPU), corpus, clips)


@pytest.fixture(scope="module")
def robustness(trainer: Trainer, material: Material) -> Robustness:
    return run_sweep(trainer, material.corpus, material.split.test)


def curve(robustness: Robustness, name: str) -> dict[float, float]:
    found = robustness.families[name]
    return dict(zip(found.levels, found.accuracy, strict=True))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_without_distortion_the_accuracy_is_the_usual_one(
    material: Material, window: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("white", "speed", "start")
    some = lambda *given: [family for family in all_families(*given) if family.name in few]  # noqa: E731
    monkeypatch.setitem(sweep.__globals__, "all_families", some)
    trainer, clips = trained(material, **window), material.split.test
    robustness = run_sweep(trainer, material.corpus, clips)
    logits = predict_logits(trainer.network, trainer.front_end, torch.from_numpy(clips)).numpy()
    assert robustness.clean == float((logits.argmax(1) == material.corpus.digits[clips]).mean())
    assert robustness.chance == 0.1
    assert robustness.n_clips == robustness.n_available == len(clips)
    assert curve(robustness, "speed")[1] == curve(robustness, "start")[0] == robustness.clean
    assert curve(robustness, "white")[-10] < curve(robustness, "white")[40]


def test_loud_noise_is_worse_than_hardly_any(robustness: Robustness) -> None:
    for name in ("white", "pink", "babble"):
        accuracy = curve(robustness, name)
        assert accuracy[-10] < accuracy[40]


def test_all_distortions_are_there_and_the_area_is_their_mean(robustness: Robustness) -> None:
    document = robustness.plain()
    assert set(document["families"]) == {
        *("white", "pink", "babble", "hum", "reverberation", "speed", "pitch", "gain", "clipping", "quantisation"),
        *("band", "silence", "offset", "start", "end"),
    }
    for family in document["families"].values():
        assert len(family["levels"]) == len(family["accuracy"])
        assert min(family["accuracy"]) - 1e-9 <= family["area"] <= max(family["accuracy"]) + 1e-9
        assert family["n"] == robustness.n_clips
    assert document["area"] == pytest.approx(np.mean([family["area"] for family in document["families"].values()]))


def test_a_sweep_is_the_same_again_and_in_any_order(
    trainer: Trainer, material: Material, robustness: Robustness
) -> None:
    assert run_sweep(trainer, material.corpus, material.split.test[::-1].copy()) == robustness


@pytest.mark.parametrize("name", ["white", "babble", "reverberation"])
def test_what_a_clip_meets_depends_on_seed_path_and_kind_alone(name: str) -> None:
    draw = np.random.default_rng(0)
    clips = [Clip(f"{number}.wav", draw.standard_normal(4_000, dtype=np.float32)) for number in range(8)]
    family = next(family for family in all_families(8_000, clips) if family.name == name)

    def distorted(clip: Clip, seed: int = 0) -> bytes:
        return family.distort(clip, 0.5, stream(seed, family.name, clip.path)).tobytes()

    forwards = {clip.path: distorted(clip) for clip in clips}
    assert {clip.path: distorted(clip) for clip in clips[::-1]} == forwards
    assert len(set(forwards.values())) == len(clips)
    assert distorted(clips[0], seed=1) != forwards["0.wav"]
    assert distorted(replace(clips[0], path="elsewhere.wav")) != forwards["0.wav"]


def test_progress_counts_every_condition_that_is_tested(material: Material) -> None:
    trainer = material.trainer()
    clips = material.split.test[:4]
    seen: list[tuple[int, int]] = []
    sweep(
        TorchRecognizer(trainer.trained, CPU),
        material.corpus,
        clips,
        progress=lambda done, total: seen.append((done, total)),
    )
    total = seen[0][1]
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_of_many_clips_an_even_sample_is_taken() -> None:
    np.testing.assert_array_equal(spread_evenly(600, N_CLIPS, 0), np.arange(600))
    for n_clips in (1_001, 1_500, 30_000):
        chosen = spread_evenly(n_clips, 1_000, 0)
        assert len(np.unique(chosen)) == 1_000
        assert np.diff(chosen).max() <= 2 * (n_clips // 1_000 + 1)
        assert (chosen != spread_evenly(n_clips, 1_000, 1)).any()


def test_a_sample_says_of_how_many(
    trainer: Trainer, material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sweep.__globals__, "_SNR_DB", (40, 0))
    monkeypatch.setitem(sweep.__globals__, "N_CLIPS", 10)
    robustness = run_sweep(trainer, material.corpus, material.split.test)
    assert (robustness.n_clips, robustness.n_available) == (10, len(material.split.test))
    save_figure(robustness_figure(robustness), tmp_path / "robustness.png")
    assert (tmp_path / "robustness.png").read_bytes().startswith(b"\x89PNG")


def test_the_front_end_over_other_clips_is_the_same_front_end(material: Material) -> None:
    window = material.config.window.model_copy(update={"padding": "noise"})
    config = material.config.model_copy(update={"window": window})
    front_end = FrontEnd(config, WindowedClips(material.store, window, CPU))
    few = material.corpus.select([5, 3])
    store = prepare(few, config.features)
    over_few = front_end.over(WindowedClips(store, window, CPU))
    torch.testing.assert_close(over_few.test(torch.tensor([0, 1])), front_end.test(torch.tensor([5, 3])))


@pytest.mark.parametrize(
    ("levels", "accuracy", "log", "area"),
    [
        ((0.0, 10.0), (1.0, 0.5), False, 0.75),
        ((40.0, 30.0, 0.0), (1.0, 1.0, 0.0), False, 0.625),
        ((400.0, 200.0, 100.0), (1.0, 0.0, 0.0), True, 0.25),
    ],
)
def test_the_area_is_a_mean_accuracy_over_the_axis(
    levels: tuple[float, ...], accuracy: tuple[float, ...], log: bool, area: float
) -> None:
    assert Curve(
        title="noise", unit="dB", levels=levels, accuracy=accuracy, n=10, scale="log" if log else "linear"
    ).area == pytest.approx(area)
