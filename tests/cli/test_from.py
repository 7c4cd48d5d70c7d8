import json
import re
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.cli.command import SMALL, audiomnist, succeeds
from tests.conftest import MakeCorpus


@pytest.fixture(scope="module")
def trained(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("from") / "run"
    words = write_words(run.with_name("words"))
    settings = ("optim.epochs=3", "optim.lr=0.02", "augment.overdrive_probability=1")  # silence is clipped, too
    other = [word for setting in settings for word in ("--set", setting)]
    succeeds("train", "--data", small_corpus, *SMALL, *other, "--no-digit-data", words, "--run", run)
    return run


def write_words(folder: Path) -> Path:
    import numpy as np
    import soundfile

    folder.mkdir()
    for number in range(8):
        noise = np.random.default_rng(number).uniform(-0.3, 0.3, 6_000)
        soundfile.write(folder / f"sound-{number}.wav", noise, 8_000)
    return folder


def test_training_goes_on_from_a_models_weights_and_settings(trained: Path, small_corpus: Path, tmp_path: Path) -> None:
    words = ("train", "--from", trained, "--data", small_corpus, "--set", "optim.epochs=1", "--set", "optim.lr=1e-9")
    result = succeeds(*words, "--run", tmp_path / "run", "--json").json
    before, after = (load_file(run / "model.safetensors") for run in (trained, tmp_path / "run"))
    assert result["version"] == "v2-tuned"
    assert (before["classifier.weight"][:10] - after["classifier.weight"]).abs().max() < 1e-5
    assert (before["blocks.0.weight"] - after["blocks.0.weight"]).abs().max() < 1e-5


def test_a_model_of_another_front_end_is_refused(trained: Path, small_corpus: Path, tmp_path: Path) -> None:
    words = ("train", "--from", trained, "--version", "v2", "--data", small_corpus, "--run", tmp_path / "run")
    outcome = audiomnist(*words)
    assert outcome.exit_code == 4
    assert "features.sample_rate=48000 and not 8000" in outcome.stderr


def test_a_head_for_other_classes_starts_afresh(trained: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "clips", speakers=2, repetitions=3)
    words = ("train", "--from", trained, "--data", corpus, "--target", "speaker", "--set", "optim.epochs=1")
    succeeds(*words, "--run", tmp_path / "run")
    assert load_file(tmp_path / "run" / "model.safetensors")["classifier.weight"].shape[0] == 2


def test_sounds_that_are_no_digit_give_a_threshold_and_misses(trained: Path, small_corpus: Path) -> None:
    again = succeeds("evaluate", trained, "--json").json
    assert 0 <= again["misses"] <= 1
    said = f'({100 * again["misses"]:.1f} %) would be answered with "no digit"'
    assert said in " ".join(succeeds("evaluate", trained).stdout.split())
    table = succeeds("evaluate", trained, "--data", small_corpus, "--data", small_corpus).stdout
    assert re.search(r"worst digit +no digit +clips", table)
    succeeds("report", trained)
    card = " ".join((trained / "MODEL_CARD.md").read_text(encoding="utf-8").split())
    assert "would be answered with" in card
    assert "always predicts one of its classes" not in card
    assert "how many of them are taken for one" in card


def test_the_misses_of_folds_are_those_of_all_clips(small_corpus: Path, tmp_path: Path) -> None:
    words = write_words(tmp_path / "words")
    settings = (*SMALL, "--no-digit-data", words, "--set", "split.validation_fraction=0.2")
    both = succeeds("kfold", "--folds", 2, "--data", small_corpus, *settings, "--run", tmp_path / "run", "--json").json
    of_folds = [json.loads((tmp_path / "run" / f"fold-{fold}" / "metrics.json").read_text()) for fold in (0, 1)]
    n_missed = sum(fold["misses"] * fold["n_test"] for fold in of_folds)
    assert both["misses"] == pytest.approx(n_missed / both["n_test"])
