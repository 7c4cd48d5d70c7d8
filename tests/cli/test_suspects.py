import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import SMALL, Outcome, rows, succeeds
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus

WRONG = {"1_george_3.wav": 6, "4_jackson_0.wav": 9, "8_lucas_7.wav": 0, "7_george_5.wav": 2}
LONGER = (*SMALL, "--set", "optim.epochs=8", "--folds", 3)


@pytest.fixture(scope="module")
def manifest(make_corpus: MakeCorpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 clips, four of them with another digit's name."""
    root = make_corpus(tmp_path_factory.mktemp("suspects") / "tones", repetitions=8)
    with (root / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "digit", "speaker"))
        for path in sorted(root.glob("*.wav")):
            digit, speaker, _ = path.name.split("_")
            writer.writerow((path.name, WRONG.get(path.name, digit), speaker))
    return root / "labels.csv"


@pytest.fixture(scope="module")
def outcome(manifest: Path) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(manifest.parent.parent))
        return succeeds("kfold", "--data", manifest, *LONGER, "--run", run_of(manifest), "--suspects")


def run_of(manifest: Path) -> Path:
    return manifest.parent.parent / "run"


def listed(run: Path) -> list[dict[str, str]]:
    return rows(run / "suspects.csv")


def result(run: Path) -> Any:
    return json.loads((run / "metrics.json").read_text())


def test_wrong_labels_are_found_and_said(outcome: Outcome, manifest: Path) -> None:
    found = {row["path"]: row for row in listed(run_of(manifest))}
    assert found.keys() == WRONG.keys()
    for path, row in found.items():
        assert (row["label"], row["prediction"], row["voice"]) == (str(WRONG[path]), path[0], "known")
    assert "4 of 240 labels look wrong" in outcome.stdout
    assert all(path in outcome.stdout for path in WRONG)
    assert "suspects.html" in outcome.stdout
    assert result(run_of(manifest))["suspects"]["count"] == 4


def test_the_next_command_leaves_them_out_and_finds_nothing_more(
    outcome: Outcome, manifest: Path, tmp_path: Path
) -> None:
    first, run = run_of(manifest), tmp_path / "run"
    words = ("kfold", "--config", first / "config.yaml", "--exclude-file", first / "suspects.csv")
    assert f"audiomnist {' '.join(map(str, words))}" in outcome.stdout
    said = succeeds(*words, "--run", run, "--suspects").stdout
    assert result(run)["n_test"] == 236
    assert "no label of 236 looks wrong" in said
    assert "next, without them" not in said
    assert listed(run) == []
    assert "No label looks wrong" in (run / "suspects.html").read_text()
    assert succeeds("prep", "--data", manifest, *SMALL, "--exclude-file", run / "suspects.csv", "--json").json


def test_the_list_can_be_asked_for_afterwards(outcome: Outcome, manifest: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run_of(manifest), tmp_path / "run"))
    for name in ("suspects.csv", "suspects.html"):
        (copy / name).unlink()
    times = {path: path.stat().st_mtime_ns for path in copy.glob("fold-*/*")}
    document = succeeds("kfold", "--resume", copy, "--suspects", "--json").json
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert listed(copy) == listed(run_of(manifest))
    assert document == result(copy)
    assert document["suspects"]["files"]["csv"] == str(copy / "suspects.csv")


def test_a_cross_validation_by_speaker_says_what_that_means(cross_validated: Trained, tmp_path: Path) -> None:
    run = cross_validated.copy(tmp_path / "run")
    assert "Unseen speakers" in succeeds("kfold", "--resume", run, "--suspects").stdout
    assert {row["voice"] for row in listed(run)} <= {"unseen"}
    assert "judged each clip" in (run / "suspects.html").read_text()
