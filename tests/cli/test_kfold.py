import csv
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.command import SMALL, audiomnist, refused, succeeds, weights
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus

FOLD_KEYS = {"fold", "held_out", "accuracy", "loss", "n_test"}


@pytest.fixture
def by_speaker(cross_validated: Trained) -> Path:
    """Three finished folds, a voice each, to be read only."""
    return cross_validated.run


@pytest.fixture
def copy(cross_validated: Trained, tmp_path: Path) -> Path:
    return cross_validated.copy(tmp_path / "run")


def result(run: Path) -> Any:
    return json.loads((run / "metrics.json").read_text())


def clips_tested(run: Path) -> list[str]:
    with (run / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return [row["path"] for row in csv.DictReader(file)]


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    folds = [{key: value for key, value in fold.items() if key != "seconds"} for fold in document["folds"]]
    return {key: value for key, value in document.items() if key not in {"run", "seconds"}} | {"folds": folds}


def test_json_is_the_one_document_on_stdout_and_all_there_is(cross_validated: Trained, by_speaker: Path) -> None:
    document = cross_validated.document
    assert cross_validated.outcome.stderr == ""
    assert document == result(by_speaker)
    assert document["run"] == str(by_speaker)
    assert [fold["fold"] for fold in document["folds"]] == [0, 1, 2]
    assert all(fold.keys() >= FOLD_KEYS for fold in document["folds"])


def test_mean_and_deviation_are_those_of_the_folds(by_speaker: Path) -> None:
    document = result(by_speaker)
    accuracies = [fold["accuracy"] for fold in document["folds"]]
    assert document["accuracy_mean"] == pytest.approx(np.mean(accuracies))
    assert document["accuracy_std"] == pytest.approx(np.std(accuracies))
    assert sum(fold["n_test"] for fold in document["folds"]) == document["n_test"] == 120


def test_groups_and_probabilities_are_measured_over_all_folds(by_speaker: Path) -> None:
    document = result(by_speaker)
    assert document["interval"]["n_speakers"] == 3
    assert {name: group["n"] for name, group in document["groups"]["digit"].items()} == dict.fromkeys("0123456789", 12)
    of_fold = {fold["held_out"][0]: fold["accuracy"] for fold in document["folds"]}
    of_speaker = {name: group["accuracy"] for name, group in document["groups"]["speaker"].items()}
    assert of_speaker == pytest.approx(of_fold)
    assert document["calibration"]["coverage"][0]["accuracy"] == pytest.approx(document["accuracy"])
    assert (by_speaker / "figures" / "reliability.png").stat().st_size


def test_every_voice_is_held_out_once(by_speaker: Path) -> None:
    held_out = [fold["held_out"] for fold in result(by_speaker)["folds"]]
    assert sorted(held_out) == [["george"], ["jackson"], ["lucas"]]
    for number, (voice,) in enumerate(held_out):
        assert all(f"_{voice}_" in path for path in clips_tested(by_speaker / f"fold-{number}"))


def test_every_clip_is_tested_once_by_a_network_new_to_it(by_speaker: Path, small_corpus: Path) -> None:
    assert sorted(clips_tested(by_speaker)) == sorted(path.name for path in small_corpus.iterdir())
    for fold in by_speaker.glob("fold-*"):
        with (fold / "split.csv").open(newline="", encoding="utf-8") as file:
            trained_on = {row["path"] for row in csv.DictReader(file) if row["part"] == "train"}
        assert not trained_on & set(clips_tested(fold))
        assert len(trained_on) + len(clips_tested(fold)) == 120


def test_each_fold_is_a_whole_run_and_the_folder_sums_up(by_speaker: Path, tmp_path: Path) -> None:
    inside = {path.name for path in by_speaker.iterdir()}
    assert inside == {
        ".lock",
        "record.json",
        "config.yaml",
        "metrics.json",
        "predictions.csv",
        "figures",
        "fold-0",
        "fold-1",
        "fold-2",
    }
    evaluated = succeeds("evaluate", by_speaker / "fold-1", "--out", tmp_path / "out", "--json").json
    assert evaluated["accuracy"] == result(by_speaker)["folds"][1]["accuracy"]


def test_random_folds_name_no_voice_and_people_see_each_fold(
    make_corpus: MakeCorpus, tmp_path: Path, home: Path
) -> None:
    corpus = make_corpus(tmp_path / "corpus", speakers=2, repetitions=2)
    outcome = succeeds("kfold", "--data", corpus, *SMALL, "--folds", 2)
    (run,) = (home / "runs").iterdir()
    document = result(run)
    assert run.name.endswith("-kfold-v2")
    assert [fold["held_out"] for fold in document["folds"]] == [None, None]
    assert f"mean over 2 folds {document['accuracy_mean']:.3f} ± {document['accuracy_std']:.3f}" in outcome.stdout
    assert "Known speakers" in outcome.stdout
    for fold in (0, 1):
        assert f"\nfold {fold}  epoch  1/1  " in outcome.stderr
    assert not set("\x1b\r\b") & set(outcome.stdout + outcome.stderr)


def test_resuming_runs_only_the_folds_that_are_missing(by_speaker: Path, copy: Path) -> None:
    shutil.rmtree(copy / "fold-1")
    (copy / "metrics.json").unlink()
    kept = {path: path.stat().st_mtime_ns for fold in (0, 2) for path in (copy / f"fold-{fold}").rglob("*")}
    document = succeeds("kfold", "--resume", copy, "--json").json
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert weights(copy / "fold-1") == weights(by_speaker / "fold-1")
    assert without_times(document) == without_times(result(by_speaker))


def test_resuming_a_finished_cross_validation_changes_nothing(by_speaker: Path, copy: Path) -> None:
    document = succeeds("kfold", "--resume", copy, "--json").json
    assert without_times(document) == without_times(result(by_speaker))
    assert clips_tested(copy) == clips_tested(by_speaker)


def test_resuming_after_the_corpus_changed_is_refused(make_corpus: MakeCorpus, copy: Path, tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", speakers=4)
    for record in copy.rglob("record.json"):
        record.unlink()
    config = copy / "config.yaml"
    lines = config.read_text().splitlines()
    config.write_text("\n".join(f"data: {corpus}" if line.startswith("data:") else line for line in lines))
    assert "has changed since" in refused(3, "kfold", "--resume", copy).error


@pytest.mark.parametrize("name", ["metrics.json", "predictions.csv"])
def test_a_finished_fold_with_a_damaged_file_is_named(copy: Path, name: str) -> None:
    (copy / "fold-1" / name).write_text("{")
    assert str(copy / "fold-1") in refused(3, "kfold", "--resume", copy).error


@pytest.mark.parametrize(
    ("option", "value"), [("--folds", "4"), ("--group", "speaker"), ("--seed", "0"), ("--set", "seed=1")]
)
def test_resuming_refuses_what_it_cannot_change(tmp_path: Path, option: str, value: str) -> None:
    assert option in refused(2, "kfold", "--resume", tmp_path / "run", option, value).error


def test_a_training_run_is_not_resumed_as_a_cross_validation(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    assert "audiomnist train --resume" in refused(3, "kfold", "--resume", run).hint
    assert not list(run.glob("fold-*"))


def test_a_cross_validation_is_not_resumed_as_a_training(by_speaker: Path) -> None:
    assert "audiomnist kfold --resume" in refused(3, "train", "--resume", by_speaker).hint


def test_a_full_folder_is_refused_with_the_command_to_resume(by_speaker: Path, small_corpus: Path) -> None:
    hint = refused(3, "kfold", "--data", small_corpus, *SMALL, "--folds", 2, "--run", by_speaker).hint
    assert shlex.split(hint[hint.index("audiomnist") :]) == ["audiomnist", "kfold", "--resume", str(by_speaker)]


@pytest.mark.parametrize(
    ("scheme", "offered"),
    [((), "--folds 12"), *(((name, "speaker"), "--folds 3") for name in ("--group", "--scheme", "--split"))],
)
def test_too_many_folds_are_refused_with_a_number_that_works(
    small_corpus: Path, home: Path, scheme: tuple[str, ...], offered: str
) -> None:
    assert refused(3, "kfold", "--data", small_corpus, *SMALL, "--folds", 50, *scheme).hint == f"use {offered}"
    assert not (home / "runs").exists()


def test_clips_are_kept_together_by_speaker_only(small_corpus: Path) -> None:
    assert refused(2, "kfold", "--data", small_corpus, "--group", "digit").hint == "use --group speaker"


def test_folds_side_by_side_come_to_what_they_come_to_one_by_one(
    by_speaker: Path, small_corpus: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    words = ("kfold", "--data", small_corpus, *SMALL, "--folds", 3, "--group", "speaker", "--run", run, "--jobs", 2)
    told = succeeds(*words, "--json")
    assert without_times(told.json) == without_times(result(by_speaker))
    for fold in range(3):
        assert weights(run / f"fold-{fold}") == weights(by_speaker / f"fold-{fold}")
    assert not list(run.rglob("*.tmp"))


def test_a_failing_fold_ends_the_command_with_its_error(small_corpus: Path) -> None:
    words = ("--data", small_corpus, *SMALL, "--set", "optim.lr=1e30", "--folds", 2, "--jobs", 2)
    outcome = audiomnist("kfold", *words, "--json")
    assert outcome.exit_code == outcome.json["exit_code"] == 4
    assert "training diverged" in outcome.json["error"]
