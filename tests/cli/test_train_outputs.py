"""What a training leaves: the run folder, one JSON document, and what people read."""

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from audiomnist.config import load, versions
from tests.cli.command import RESULT_KEYS, SMALL, Outcome, parts, rows, succeeds
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus

PNG = b"\x89PNG\r\n\x1a\n"
MINE = """\
version: mine
features: {sample_rate: 8000, n_fft: 256, hop_length: 128, n_mels: 24}
optim: {epochs: 2, batch_size: 16}
"""


@dataclass(frozen=True)
class Told:
    """A run as its user sees it."""

    corpus: Path
    run: Path
    outcome: Outcome


@pytest.fixture(scope="module")
def told(make_corpus: MakeCorpus, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Trained for people, with a configuration of one's own, in the default place."""
    folder = tmp_path_factory.mktemp("told")
    corpus = make_corpus(folder / "corpus", speakers=2, repetitions=3)
    (folder / "mine.yaml").write_text(MINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(folder))
        outcome = succeeds("train", "--data", corpus, "--config", folder / "mine.yaml")
    (run,) = (folder / "runs").iterdir()
    return Told(corpus, run, outcome)


@pytest.fixture(scope="module")
def unseen(make_corpus: MakeCorpus, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Split by speaker, quietly, everything named from the folder it lies in."""
    folder = tmp_path_factory.mktemp("unseen")
    corpus = make_corpus(folder / "corpus", speakers=3, repetitions=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("AUDIOMNIST_HOME", "home")
        outcome = succeeds("train", "--data", "corpus", *SMALL, "--split", "speaker", "--run", "run", "--quiet")
    return Told(corpus, folder / "run", outcome)


def test_the_run_folder_holds_the_whole_run(trained: Trained) -> None:
    files = {path.relative_to(trained.run).as_posix() for path in trained.run.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("events.out.tfevents.")} == {
        ".lock",
        "config.yaml",
        "record.json",
        "split.csv",
        "model.safetensors",
        "state.pt",
        "state.before.pt",
        "history.jsonl",
        "predictions.csv",
        "metrics.json",
        "figures/confusion.png",
        "figures/loss.png",
        "figures/reliability.png",
        "figures/samples.png",
    }
    assert all(path.read_bytes().startswith(PNG) for path in (trained.run / "figures").iterdir())


def test_json_is_the_one_document_on_stdout_and_all_there_is(trained: Trained) -> None:
    assert trained.document.keys() >= RESULT_KEYS
    assert trained.document == json.loads((trained.run / "metrics.json").read_text())
    assert trained.outcome.stderr == ""
    facts = {key: trained.document[key] for key in ("run", "version", "split", "data", "n_test", "epochs", "n_train")}
    assert facts == {
        "run": str(trained.run),
        "version": "v2",
        "split": "random",
        "data": str(trained.corpus),
        "n_test": 24,
        "epochs": 2,
        "n_train": 96,
    }


def test_the_predictions_are_what_the_metrics_say(trained: Trained) -> None:
    predicted = rows(trained.run / "predictions.csv")
    probabilities = np.array([[float(row[f"p{digit}"]) for digit in range(10)] for row in predicted])
    digits = np.array([int(row["label"]) for row in predicted])
    said = np.array([int(row["prediction"]) for row in predicted])
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-4)
    np.testing.assert_array_equal(probabilities.argmax(1), said)
    np.testing.assert_allclose([float(row["probability"]) for row in predicted], probabilities.max(1), atol=1e-5)
    document = trained.document
    assert document["n_test"] == len(predicted)
    assert document["accuracy"] == pytest.approx((said == digits).mean())
    assert document["loss"] == pytest.approx(-np.log(probabilities[np.arange(len(digits)), digits]).mean(), rel=1e-3)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (digits, said), 1)
    assert document["confusion"] == confusion.tolist()
    for speaker, figures in document["groups"]["speaker"].items():
        right = [row["prediction"] == row["label"] for row in predicted if row["speaker"] == speaker]
        assert (figures["accuracy"], figures["n"]) == (pytest.approx(np.mean(right)), len(right))


def test_no_clip_is_trained_and_tested_on(trained: Trained) -> None:
    found = {part: set(paths) for part, paths in parts(trained.run).items()}
    assert not found["train"] & found["test"]
    assert found["train"] | found["test"] == {path.name for path in trained.corpus.iterdir()}
    assert {row["path"] for row in rows(trained.run / "predictions.csv")} == found["test"]


def test_the_history_has_a_line_per_epoch(trained: Trained) -> None:
    history = [json.loads(line) for line in (trained.run / "history.jsonl").read_text().splitlines()]
    assert [epoch["epoch"] for epoch in history] == [1, 2]
    assert history[-1]["accuracy"] == trained.document["accuracy"]
    assert history[-1]["loss"] == pytest.approx(trained.document["loss"], rel=1e-5)


def test_the_model_file_says_all_that_is_needed_to_use_it(trained: Trained) -> None:
    with safe_open(trained.run / "model.safetensors", framework="pt") as file:
        description = json.loads(file.metadata()["audiomnist"])
    assert description["config"] == load(trained.run / "config.yaml").model_dump(mode="json")
    assert description["classes"] == [*"0123456789"]


def test_the_resume_state_holds_nothing_that_could_be_executed(trained: Trained) -> None:
    assert torch.load(trained.run / "state.pt", weights_only=True)["epoch"] == 2


def test_a_run_without_a_name_is_called_by_its_time_and_version(told: Told) -> None:
    assert re.fullmatch(r"\d{8}-\d{6}-mine", told.run.name)


def test_people_get_the_result_on_stdout(told: Told) -> None:
    accuracy = json.loads((told.run / "metrics.json").read_text())["accuracy"]
    assert f"accuracy {accuracy:.3f}" in told.outcome.stdout
    assert f"run folder: {told.run}\n" in told.outcome.stdout
    assert "Known speakers" in told.outcome.stdout


def test_people_see_plain_lines_on_stderr_how_it_goes(told: Told) -> None:
    corpus, prep, run, *epochs = told.outcome.stderr.splitlines()
    assert corpus == f"corpus: 60 clips of 2 speakers in {told.corpus}"
    assert prep.startswith("prep: 60 clips in ")
    assert run.startswith(f"run: {told.run} on ")
    assert [line.split("  loss")[0] for line in epochs] == ["epoch  1/2", "epoch  2/2"]
    assert not set("\x1b\r\b") & set(told.outcome.stdout + told.outcome.stderr)


def test_the_next_command_it_offers_knows_this_configuration(told: Told) -> None:
    (line,) = (line for line in told.outcome.stdout.splitlines() if "audiomnist kfold" in line)
    words = shlex.split(line)
    named = dict(pairwise(words))
    offered = load(Path(named["--config"])).version if "--config" in named else named["--version"]
    assert offered == "mine"
    assert "--config" in named or "mine" in versions()


def test_quiet_leaves_the_result_only(unseen: Told) -> None:
    assert unseen.outcome.stderr == ""
    assert "accuracy" in unseen.outcome.stdout


def test_a_split_by_speaker_holds_a_speaker_out_and_names_them(unseen: Told) -> None:
    document = json.loads((unseen.run / "metrics.json").read_text())
    (held_out,) = document["held_out"]
    found = parts(unseen.run)
    assert all(f"_{held_out}_" in path for path in found["test"])
    assert not any(f"_{held_out}_" in path for path in found["train"])
    assert document["groups"]["speaker"].keys() == {held_out}
    assert f"Unseen speakers ({held_out}): " in unseen.outcome.stdout


def test_a_run_resumed_elsewhere_says_the_same(unseen: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.loads((unseen.run / "metrics.json").read_text())
    monkeypatch.chdir(tmp_path)
    after = succeeds("train", "--resume", unseen.run, "--json").json
    assert after["loss"] == before["loss"]
    assert after["held_out"] == before["held_out"]


def test_an_evaluation_names_the_unseen_speaker_too(unseen: Told, tmp_path: Path) -> None:
    run = shutil.copytree(unseen.run, tmp_path / "run")
    assert "Unseen speakers" in succeeds("evaluate", run).stdout


def test_every_accuracy_stands_with_its_interval(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", layout="audiomnist", speakers=4, repetitions=2)
    outcome = succeeds("train", "--data", corpus, *SMALL, "--run", tmp_path / "run", "--details")
    document = json.loads((tmp_path / "run" / "metrics.json").read_text())
    interval, groups = document["interval"], document["groups"]
    assert interval["n_speakers"] == 4
    assert interval["low"] <= interval["accuracy"] == document["accuracy"] <= interval["high"]
    assert f"accuracy {document['accuracy']:.3f}, 95 % interval " in outcome.stdout
    assert groups["gender"].keys() == {"male", "female"}
    assert groups["age"].keys() == {"<25"}
    assert sum(group["n"] for group in groups["digit"].values()) == document["n_test"]
    assert document["worst_speaker"]["accuracy"] == min(group["accuracy"] for group in groups["speaker"].values())
    titles = [line for line in outcome.stdout.splitlines() if "lowest accuracy first" in line]
    assert titles == ["By speaker, lowest accuracy first", "By gender, lowest accuracy first"]


def test_names_with_brackets_are_printed_in_full(tiny: Path, tmp_path: Path) -> None:
    folder, run = tmp_path / "clips [bold] :x:", tmp_path / "run [red] :x:"
    tiny.rename(folder)
    clips = sorted(folder.iterdir())
    lines = [f"{clip.name},{clip.name[0]},[/b] :x: {number % 2}" for number, clip in enumerate(clips)]
    (folder / "clips.csv").write_text("\n".join(("path,digit,speaker", *lines)))
    outcome = succeeds("train", "--data", folder / "clips.csv", *SMALL, "--run", run)
    assert f"speakers in {folder}\n" in outcome.stderr
    assert f"run: {run} on" in outcome.stderr
    assert f"run folder: {run}\n" in outcome.stdout
    assert "[/b] :x:" in outcome.stdout
