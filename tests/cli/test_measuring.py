"""What is recognised, on which clips it is tested, and what is said of clips that were trained on."""

import csv
import json
import re
from pathlib import Path

import pytest

from audiomnist.device import select_device
from audiomnist.training.checkpoint import load_model
from tests.cli.command import SMALL, refused, succeeds
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus


def manifest(clips: Path, **columns: list[str]) -> Path:
    """Write a manifest of a folder's clips with further columns, whose values repeat."""
    path = clips / "clips.csv"
    names = sorted(file.name for file in clips.glob("*.wav"))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "digit", "speaker", *columns))
        for number, name in enumerate(names):
            digit, speaker, _ = name.split("_")
            writer.writerow((name, digit, speaker, *(values[number % len(values)] for values in columns.values())))
    return path


@pytest.fixture
def clips(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "clips", speakers=3, repetitions=4)


def test_another_target_keeps_its_classes_in_the_model_file(clips: Path, tmp_path: Path) -> None:
    corpus = manifest(clips, room=["hall", "lab", "", "hall"])
    outcome = succeeds("train", "--data", corpus, *SMALL, "--target", "room", "--run", tmp_path / "run", "--json")
    assert list(outcome.json["per_class"]) == ["hall", "lab"]
    assert outcome.json["target"] == "room"
    assert outcome.json["n_test"] == 18  # a fifth of the 90 whose room is known
    model = load_model(tmp_path / "run" / "model.safetensors", select_device("cpu"))
    assert model.classes == ("hall", "lab")
    again = succeeds("evaluate", tmp_path / "run", "--json").json
    assert again["accuracy"] == outcome.json["accuracy"]


def test_other_words_are_recognised_by_a_manifest_without_digits(clips: Path) -> None:
    corpus = manifest(clips)
    words = corpus.read_text().replace("path,digit,speaker", "path,word,speaker")
    corpus.write_text(re.sub(r",([0-9]),", lambda digit: f",{'up' if int(digit[1]) % 2 else 'down'},", words))
    document = succeeds("train", "--data", corpus, *SMALL, "--target", "word", "--json").json
    assert list(document["per_class"]) == ["down", "up"]


def test_speakers_can_be_told_apart_only_if_known(clips: Path) -> None:
    document = succeeds("train", "--data", clips, *SMALL, "--target", "speaker", "--json").json
    assert list(document["per_class"]) == ["george", "jackson", "lucas"]
    refusal = refused(3, "train", "--data", clips, *SMALL, "--target", "speaker", "--split", "speaker")
    assert "no clips to train on for speaker" in refusal.error


def test_an_unknown_target_is_refused_with_known_ones(clips: Path) -> None:
    refusal = refused(4, "train", "--data", clips, *SMALL, "--target", "gender")
    assert "'gender'" in refusal.error
    assert "digit, speaker" in refusal.hint


def test_the_test_part_of_another_corpus_can_be_chosen(
    trained: Trained, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    other = make_corpus(tmp_path / "other", speakers=2, repetitions=7, seed=1)
    words = ("evaluate", trained.run, "--data", other, "--out", tmp_path / "result")
    document = succeeds(*words, "--split", "fsdd-official", "--json").json
    assert (document["n_test"], document["split"], document["n_trained_on"]) == (100, "fsdd-official", 0)
    assert "--data" in refused(2, "evaluate", trained.run, "--split", "random").hint


def test_clips_that_were_trained_on_are_counted_and_told(trained: Trained, tmp_path: Path) -> None:
    place = trained.document["data"]
    outcome = succeeds("evaluate", trained.run, "--data", place, "--out", tmp_path / "result")
    n_train = trained.document["n_train"]
    assert f"warning: {n_train:,} of these" in outcome.stderr
    assert json.loads((tmp_path / "result" / "metrics.json").read_text())["n_trained_on"] == n_train


def test_folds_can_follow_a_column(clips: Path) -> None:
    corpus = manifest(clips, room=["hall", "hall", "lab", "kitchen"])
    document = succeeds("kfold", "--data", corpus, *SMALL, "--scheme", "column:room", "--json").json
    assert [fold["n_test"] for fold in document["folds"]] == [60, 30, 30]
    assert document["split"] == "column:room"


def test_an_impossible_split_says_what_would_work(clips: Path) -> None:
    assert "'speaker'" in refused(4, "train", "--data", clips, *SMALL, "--split", "becker-0").hint
    assert "column:NAME" in refused(4, "kfold", "--data", clips, *SMALL, "--scheme", "fsdd-official").hint
    refusal = refused(2, "kfold", "--data", clips, *SMALL, "--group", "speaker", "--scheme", "random")
    assert "contradict" in refusal.error
