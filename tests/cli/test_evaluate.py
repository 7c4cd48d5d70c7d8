import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import RESULT_KEYS, audiomnist, evaluation, refused, succeeds
from tests.cli.conftest import Trained
from tests.cli.forked import Forked, without_unicode
from tests.conftest import MakeCorpus


@pytest.fixture
def run(trained: Trained, tmp_path: Path) -> Path:
    return trained.copy(tmp_path / "run")


@pytest.fixture
def other(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    """20 clips of voices the run never heard."""
    return make_corpus(tmp_path / "other", layout="audiomnist", speakers=2, repetitions=1, seed=1)


def test_evaluating_own_test_clips_repeats_the_result(trained: Trained, run: Path) -> None:
    outcome = succeeds("evaluate", run, "--json")
    document = outcome.json
    assert outcome.stderr == ""
    assert document.keys() >= RESULT_KEYS
    same = ("version", "split", "data", "epochs", "accuracy", "loss", "n_test", "confusion", "groups", "calibration")
    for key in same:
        assert document[key] == trained.document[key]
    assert (evaluation(run, "test") / "predictions.csv").read_text() == (run / "predictions.csv").read_text()
    assert json.loads((evaluation(run, "test") / "metrics.json").read_text()) == document


def test_the_newest_run_is_tested_if_none_is_named(trained: Trained, home: Path) -> None:
    for name, second in (("b-old", 1), ("a-new", 3), ("c-older", 2)):
        trained.copy(home / "runs" / name, started=second)
    shutil.copytree(trained.run, home / "runs" / "kfold" / "fold-0")
    (home / "runs" / "untrained").mkdir()
    (home / "runs" / "untrained" / "config.yaml").write_text("seed: 0\n")
    assert succeeds("evaluate", "--json").json["run"] == str(home / "runs" / "a-new")


def test_on_another_corpus_every_clip_is_tested(run: Path, other: Path) -> None:
    before = (run / "metrics.json").read_text()
    document = succeeds("evaluate", run, "--data", other, "--json").json
    assert {key: document[key] for key in ("run", "data", "split", "n_test")} == {
        "run": str(run),
        "data": str(other),
        "split": "all",
        "n_test": 20,
    }
    assert document["groups"]["speaker"].keys() == {"01", "02"}
    with (evaluation(run, "other") / "predictions.csv").open(newline="") as file:
        assert sorted(row["path"] for row in csv.DictReader(file)) == sorted(
            path.relative_to(other).as_posix() for path in other.rglob("*.wav")
        )
    assert (run / "metrics.json").read_text() == before


def test_a_trained_network_knows_the_digits_of_a_new_take(
    learned: Trained, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    fresh = make_corpus(tmp_path / "second", repetitions=2, seed=9)
    words = ("--data", fresh, "--out", tmp_path / "out", "--min-accuracy", 0.8, "--json")
    assert succeeds("evaluate", learned.run, *words).json


def test_the_result_goes_where_it_is_asked_to(run: Path, other: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "down"
    outcome = succeeds("evaluate", run, "--data", other, "--out", out)
    assert {path.name for path in out.iterdir() if path.name != ".lock"} == {
        "record.json",
        "config.yaml",
        "metrics.json",
        "predictions.csv",
        "figures",
    }
    assert f"written to: {out}\n" in outcome.stdout
    assert not (run / "evaluations").exists()


def test_results_go_to_stdout_and_plain_lines_to_stderr(run: Path, other: Path) -> None:
    outcome = succeeds("evaluate", run, "--data", other)
    document = json.loads((evaluation(run, "other") / "metrics.json").read_text())
    assert f"accuracy {document['accuracy']:.3f}" in outcome.stdout
    assert "of 20 test clips correct" in outcome.stdout
    assert f"corpus: 20 clips of 2 speakers in {other}\n" in outcome.stderr
    assert not set("\x1b\r\b") & set(outcome.stdout + outcome.stderr)


def test_two_corpora_in_one_folder_have_results_of_their_own(run: Path, other: Path) -> None:
    for speaker in ("01", "02"):
        clips = sorted((other / "data" / speaker).glob("*.wav"))
        lines = [f"{clip.relative_to(other).as_posix()},{clip.name[0]},{speaker}" for clip in clips]
        (other / f"{speaker}.csv").write_text("\n".join(("path,digit,speaker", *lines)))
        succeeds("evaluate", run, "--data", other / f"{speaker}.csv", "--quiet")
    results = [json.loads(path.read_text()) for path in (run / "evaluations").glob("*/metrics.json")]
    assert sorted(result["data"] for result in results) == [str(other / "01.csv"), str(other / "02.csv")]


def test_an_accuracy_that_is_reached_is_no_error(run: Path, trained: Trained) -> None:
    succeeds("evaluate", run, "--min-accuracy", trained.document["accuracy"], "--quiet")


def test_an_accuracy_that_is_not_reached_is_told_by_exit_code_5(run: Path, trained: Trained) -> None:
    accuracy = trained.document["accuracy"]
    outcome = audiomnist("evaluate", run, "--min-accuracy", accuracy + 0.001, "--quiet")
    assert outcome.exit_code == 5
    assert f"accuracy {accuracy:.3f}" in outcome.stdout
    error, hint = outcome.stderr.splitlines()
    assert error.startswith(f"error: accuracy {accuracy:.3f} is below ")
    assert hint.startswith("hint: ")


def test_a_threshold_not_met_is_still_one_json_document(run: Path, trained: Trained) -> None:
    outcome = audiomnist("evaluate", run, "--min-accuracy", trained.document["accuracy"] + 0.001, "--json")
    assert outcome.exit_code == 5
    assert outcome.json["accuracy"] == trained.document["accuracy"]
    assert outcome.json["exit_code"] == 5
    assert outcome.json["error"]


def test_an_accuracy_above_1_is_no_threshold(run: Path) -> None:
    outcome = audiomnist("evaluate", run, "--min-accuracy", 95, "--json")
    assert outcome.exit_code == outcome.json["exit_code"] == 2


def test_a_terminal_without_unicode_gets_the_result_too(run: Path, other: Path) -> None:
    outcome = Forked("evaluate", run, "--data", other, first=without_unicode).outcome()
    assert outcome.exit_code == 0, outcome
    assert "accuracy" in outcome.stdout
    assert outcome.stdout.isascii()


def test_evaluating_a_cross_validation_names_its_folds(trained: Trained, tmp_path: Path) -> None:
    trained.copy(tmp_path / "kfold" / "fold-0")
    shutil.copy(trained.run / "config.yaml", tmp_path / "kfold")
    assert str(tmp_path / "kfold" / "fold-0") in refused(3, "evaluate", tmp_path / "kfold").hint


def test_a_run_stopped_before_its_network_names_how_to_resume(run: Path) -> None:
    for name in ("record.json", "model.safetensors", "state.pt"):
        (run / name).unlink()
    assert f"audiomnist train --resume {run}" in refused(3, "evaluate", run).hint


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_broken_network_is_refused_by_name(run: Path, content: bytes) -> None:
    (run / "model.safetensors").write_bytes(content)
    assert str(run / "model.safetensors") in refused(3, "evaluate", run).error


def test_a_run_without_its_split_is_refused_by_name(run: Path) -> None:
    (run / "split.csv").unlink()
    assert str(run / "split.csv") in refused(3, "evaluate", run).error


@pytest.mark.usefixtures("two_distortions")
def test_robustness_is_written_beside_the_result_and_part_of_it(run: Path, other: Path) -> None:
    document = succeeds("evaluate", run, "--data", other, "--robustness", "--json").json
    folder = evaluation(run, "other")
    assert document["robustness"] == json.loads((folder / "robustness.json").read_text())
    assert document["robustness"]["clean"] == document["accuracy"]
    assert document["robustness"]["n_clips"] == 20
    assert (folder / "figures" / "robustness.png").exists()
    assert "robustness" not in json.loads((folder / "metrics.json").read_text())


def test_people_get_robustness_as_a_table_and_see_how_it_goes(run: Path, other: Path) -> None:
    outcome = succeeds("evaluate", run, "--data", other, "--robustness", "--details")
    area = json.loads((evaluation(run, "other") / "robustness.json").read_text())["area"]
    assert f"Mean accuracy under distortion {area:.3f}" in outcome.stdout
    assert "reverberation" in outcome.stdout
    assert "robustness: 80 conditions in " in outcome.stderr
