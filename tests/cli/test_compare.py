import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import evaluation, refused, succeeds
from tests.cli.conftest import Trained
from tests.cli.forked import Forked

PNG = b"\x89PNG"


@pytest.fixture
def first(trained: Trained, tmp_path: Path) -> Path:
    return trained.copy_of_earlier_version(tmp_path / "first")


@pytest.fixture
def second(trained: Trained, tmp_path: Path) -> Path:
    """The same run, had every prediction for two of three voices been right and its seed another."""
    run = trained.copy_of_earlier_version(tmp_path / "second")
    rows, header = read(run)
    for row in rows:
        if row["speaker"] != "george":
            row |= {name: str(float(name == f"p{row['label']}")) for name in header if name[1:].isdigit()}
    write(run, rows, header)
    settings = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(settings.replace("seed: 0", "seed: 7").replace("lr: 0.02", "lr: 0.03"))
    return run


def read(run: Path) -> tuple[list[dict[str, str]], list[str]]:
    with (run / "predictions.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    return rows, list(reader.fieldnames or ())


def write(run: Path, rows: list[dict[str, str]], header: list[str]) -> None:
    with (run / "predictions.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)


def change_metrics(run: Path, **values: object) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps(metrics | values))


def test_the_document_says_what_differs_beside_a_picture(
    trained: Trained, first: Path, second: Path, home: Path
) -> None:
    outcome = succeeds("compare", first, second, "--json")
    document = outcome.json
    assert outcome.stderr == ""
    assert document.keys() == {"format", "runs", "settings", "differences", "cautions", "out"}
    assert document["settings"] == {"seed": [0, 7], "optim.lr": [0.02, 0.03]}
    assert [(run["name"], run["path"]) for run in document["runs"]] == [
        ("first", str(first)),
        ("second", str(second)),
    ]
    for key in ("accuracy", "loss", "n_test", "n_parameters", "train_seconds"):
        assert document["runs"][0][key] == trained.document[key]
    (difference,) = document["differences"]
    assert difference["n_shared"] == trained.document["n_test"]
    assert difference["only_first"] == 0
    assert difference["only_second"] > 0
    assert difference["difference"] == pytest.approx(difference["only_second"] / difference["n_shared"])
    assert difference["low"] < difference["difference"] < difference["high"]
    assert difference["p"] == difference["p_holm"] == 2 / 2 ** difference["only_second"]
    assert document["cautions"] == []
    out = home / "comparisons" / "first-vs-second"
    assert document["out"] == str(out)
    assert {path.name for path in out.iterdir()} == {"compare.json", "curves.png"}
    assert json.loads((out / "compare.json").read_text()) == document
    assert (out / "curves.png").read_bytes().startswith(PNG)


def test_people_are_told_the_same_in_words(first: Path, second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = succeeds("compare", first, second, "--out", out).stdout
    (difference,) = json.loads((out / "compare.json").read_text())["differences"]
    assert difference["verdict"] in shown
    assert f"on the {difference['n_shared']} clips that both tested" in shown
    assert any(line.split() == ["optim.lr", "0.02", "0.03"] for line in shown.splitlines())
    assert "optim.epochs" not in shown
    assert f"written to: {out}\n" in shown


def test_a_run_and_its_copy_do_not_differ(first: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(first, tmp_path / "elsewhere" / "first")
    document = succeeds("compare", first, copy, "--json").json
    (difference,) = document["differences"]
    assert (difference["difference"], difference["p"]) == (0, 1)
    assert difference["conclusion"] == "no difference"
    assert document["settings"] == {}
    assert [run["name"] for run in document["runs"]] == [f"{tmp_path.name}/first", "elsewhere/first"]
    assert "the settings are the same\n" in succeeds("compare", first, copy).stdout


def test_the_order_of_rows_means_nothing(first: Path, second: Path) -> None:
    before = succeeds("compare", first, second, "--json").json
    rows, header = read(second)
    write(second, rows[::-1], header)
    assert succeeds("compare", first, second, "--json").json == before


def test_several_runs_are_each_compared_with_the_first(first: Path, second: Path, tmp_path: Path) -> None:
    third = shutil.copytree(second, tmp_path / "third")
    document = succeeds("compare", first, second, third, "--json").json
    assert [difference["second"] for difference in document["differences"]] == ["second", "third"]
    for difference in document["differences"]:
        assert difference["p_holm"] == pytest.approx(min(1, 2 * difference["p"]))
    assert (
        "p values are corrected by Holm's method for 2 comparisons\n"
        in succeeds("compare", first, second, third).stdout
    )


def test_a_cross_validation_is_compared_out_of_fold(
    trained: Trained, cross_validated: Trained, first: Path, tmp_path: Path
) -> None:
    folds = cross_validated.copy(tmp_path / "folds")
    document = succeeds("compare", first, folds, "--json").json
    assert document["runs"][1]["n_test"] == 120
    assert document["runs"][1]["n_parameters"] == trained.document["n_parameters"]
    assert document["runs"][1]["train_seconds"] > 0
    assert document["differences"][0]["n_shared"] == trained.document["n_test"]
    (caution,) = document["cautions"]
    assert caution.endswith(": first random, folds speaker")
    assert f"caution: {caution}\n" in succeeds("compare", first, folds).stdout
    fold = folds / "fold-1"
    (fold / "metrics.json").unlink()
    assert refused(3, "compare", first, fold).hint == f"resume it: audiomnist kfold --resume {folds}"


@pytest.mark.usefixtures("two_distortions")
def test_an_evaluation_of_a_run_is_compared_like_a_run(first: Path, trained: Trained) -> None:
    area = succeeds("evaluate", first, "--robustness", "--json").json["robustness"]["area"]
    document = succeeds("compare", first, evaluation(first, "test"), "--json").json
    assert document["differences"][0]["conclusion"] == "no difference"
    assert document["settings"] == {}
    assert [run["robustness"] for run in document["runs"]] == [area, area]


def test_an_evaluation_kept_elsewhere_knows_its_run(first: Path, second: Path, tmp_path: Path) -> None:
    succeeds("evaluate", first, "--out", tmp_path / "kept", "--json")
    assert succeeds("compare", second, tmp_path / "kept", "--json").json["settings"]["seed"] == [7, 0]


def test_different_corpora_call_for_caution(first: Path, second: Path) -> None:
    change_metrics(second, data="elsewhere")
    (caution,) = succeeds("compare", first, second, "--json").json["cautions"]
    assert caution.startswith("tested on different corpora: first ")


def test_runs_that_share_no_test_clip_are_refused(first: Path, second: Path) -> None:
    rows, header = read(second)
    write(second, [row | {"path": f"other/{row['path']}"} for row in rows], header)
    refusal = refused(3, "compare", first, second)
    assert refusal.error == f"no clip was tested by both first ({len(rows)} clips) and second ({len(rows)} clips)"
    assert "cross validations" in refusal.hint


def test_a_run_without_result_names_how_to_finish_it(first: Path, second: Path) -> None:
    (second / "metrics.json").unlink()
    refusal = refused(3, "compare", first, second)
    assert refusal.error == f"{second} is not finished"
    assert refusal.hint == f"resume it: audiomnist train --resume {second}"


@pytest.mark.parametrize("content", ["", "path,label,speaker,prediction,probability,p0\n", "no table"])
def test_broken_predictions_are_named(first: Path, second: Path, content: str) -> None:
    (second / "predictions.csv").write_text(content)
    assert str(second / "predictions.csv") in refused(3, "compare", first, second).error


def test_a_path_that_is_no_run_is_refused(first: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nowhere"):
        refusal = refused(3, "compare", first, path)
        assert refusal.error == f"there is no run at {path}"
        assert refusal.hint == "list the runs with: audiomnist runs"


def test_one_run_or_the_same_twice_is_nothing_to_compare(first: Path) -> None:
    assert "at least two runs" in refused(2, "compare", first).error
    assert "twice" in refused(2, "compare", first, first / "model.safetensors").error


def test_the_folder_of_many_compared_runs_has_a_short_name(first: Path, tmp_path: Path) -> None:
    copies = [shutil.copytree(first, tmp_path / f"{number}-{'long' * 30}") for number in range(3)]
    out = Path(succeeds("compare", *copies, "--json").json["out"])
    assert out.is_dir()
    assert len(out.name) < 140


def test_output_to_a_file_is_whole_and_without_codes(first: Path, tmp_path: Path) -> None:
    long = shutil.copytree(first, tmp_path / ("long-name-" * 12))
    outcome = Forked("compare", first, long).outcome()
    assert outcome.stderr == ""
    assert not set("\x1b\r\b") & set(outcome.stdout)
    assert long.name in outcome.stdout
    assert "…" not in outcome.stdout
