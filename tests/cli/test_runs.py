import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import succeeds
from tests.cli.conftest import Trained


@pytest.fixture
def runs(trained: Trained, home: Path) -> Path:
    trained.copy_of_earlier_version(home / "runs" / "first")
    return home / "runs"


def listed(name: str) -> dict[str, Any]:
    (run,) = (run for run in succeeds("runs", "--json").json["runs"] if run["name"] == name)
    return dict(run)


def test_without_a_run_people_are_told_how_to_make_one(home: Path) -> None:
    assert succeeds("runs").stdout == f"there is no run in {home / 'runs'}; train one:\n  audiomnist train\n"
    assert succeeds("runs", "--json").json == {"folder": str(home / "runs"), "runs": [], "others": []}


def test_a_finished_run_stands_there_with_its_result(trained: Trained, runs: Path) -> None:
    run = listed("first")
    assert datetime.fromisoformat(run.pop("started")).tzinfo
    assert run == {
        "name": "first",
        "path": str(runs / "first"),
        "version": "v2",
        "kind": "train",
        "folds": None,
        "split": "random",
        "data": str(trained.corpus),
        "epochs": 2,
        "epochs_asked": 2,
        "accuracy": trained.document["accuracy"],
        "resume": None,
    }
    line = next(line for line in succeeds("runs").stdout.splitlines() if line.split()[:1] == ["first"])
    assert line.split()[:7] == ["first", "v2", "train", "random", "corpus", "2/2", f"{run['accuracy']:.3f}"]


def test_the_newest_is_the_last(trained: Trained, home: Path) -> None:
    for name, second in (("b", 1), ("a", 3), ("c", 2)):
        trained.copy(home / "runs" / name, started=second)
    assert [run["name"] for run in succeeds("runs", "--json").json["runs"]] == ["b", "c", "a"]


def test_an_unfinished_run_is_named_with_how_to_resume(runs: Path) -> None:
    (runs / "first" / "metrics.json").unlink()
    first_epoch, _ = (runs / "first" / "history.jsonl").read_text().splitlines()
    (runs / "first" / "history.jsonl").write_text(f"{first_epoch}\n")
    run = listed("first")
    resume = f"audiomnist train --resume {runs / 'first'}"
    assert (run["accuracy"], run["epochs"], run["epochs_asked"], run["resume"]) == (None, 1, 2, resume)
    assert f"unfinished: first; resume it:\n  {resume}\n" in succeeds("runs").stdout


def test_a_cross_validation_is_one_run_finished_or_not(cross_validated: Trained, home: Path) -> None:
    run = cross_validated.copy(home / "runs" / "folds")
    finished = listed("folds")
    assert (finished["kind"], finished["folds"], finished["epochs"], finished["epochs_asked"]) == ("kfold", 3, 3, 3)
    assert " 3 folds " in succeeds("runs").stdout
    (run / "metrics.json").unlink()
    shutil.rmtree(run / "fold-1")
    stopped = listed("folds")
    assert (stopped["accuracy"], stopped["folds"], stopped["epochs"], stopped["epochs_asked"]) == (None, 3, 2, 3)
    assert stopped["resume"] == f"audiomnist kfold --resume {run}"


def test_broken_folders_are_listed_beside_the_runs(trained: Trained, runs: Path) -> None:
    broken = {
        "foreign": ("notes.txt", "hello"),
        "settings": ("config.yaml", "seed: never\n"),
        "no-yaml": ("config.yaml", b"\xff\xfe\x00"),
        "no-json": ("metrics.json", "{"),
        "a-list": ("metrics.json", "[]"),
        "no-figure": ("metrics.json", '{"accuracy": NaN}'),
        "history": ("history.jsonl", '{"epoch": 1'),
    }
    for name, (file, content) in broken.items():
        folder = runs / name
        if file == "notes.txt":
            folder.mkdir()
        else:
            trained.copy(folder)
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    (runs / "a-file").write_text("")
    (runs / ".hidden").mkdir()
    document = succeeds("runs", "--json").json
    assert [run["name"] for run in document["runs"]] == ["first"]
    assert {other["name"] for other in document["others"]} == broken.keys()
    assert all(other["problem"] for other in document["others"])
    shown = succeeds("runs").stdout
    assert all(shown.count(f"not a run: {name}: ") == 1 for name in broken)
    shutil.rmtree(runs / "first")
    shown = succeeds("runs").stdout
    assert shown.startswith(f"nothing in {runs} is a run that can be read; train one:\n  audiomnist train\nnot a run: ")


def test_output_to_a_file_keeps_long_names_without_codes(trained: Trained, home: Path) -> None:
    name = "a-run-with-a-very-long-name-" * 6
    trained.copy(home / "runs" / name)
    outcome = succeeds("runs")
    assert name in outcome.stdout
    assert not set("\x1b\r\b") & set(outcome.stdout + outcome.stderr)
