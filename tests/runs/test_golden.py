"""Runs of the version before are read, and come to the same numbers."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import succeeds
from tests.conftest import write_corpus

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("golden")
    shutil.copytree(GOLDEN / "runs", place / "runs")
    write_corpus(place / "data" / "fsdd", speakers=4, repetitions=4)
    write_corpus(place / "data" / "other", speakers=3, repetitions=2, seed=5)
    for clip in (place / "data").rglob("*.wav"):
        os.utime(clip, (1_700_000_000, 1_700_000_000))
    return place


@pytest.fixture(autouse=True)
def _at_home(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("AUDIOMNIST_HOME", ".")


def assert_alike(now: Any, before: Any) -> None:
    """Compare plain values; another processor or NumPy rounds the last digits differently."""
    if isinstance(before, dict):
        assert now.keys() == before.keys()
        for key, value in before.items():
            assert_alike(now[key], value)
    elif isinstance(before, list):
        for one, other in zip(now, before, strict=True):
            assert_alike(one, other)
    else:
        assert now == (pytest.approx(before, rel=1e-6, abs=1e-9) if isinstance(before, float) else before)


def written(name: str) -> dict[str, Any]:
    return dict(json.loads((GOLDEN / "runs" / name).read_text()))


def test_the_list_of_runs(place: Path) -> None:
    now = succeeds("runs", "--json").json["runs"]
    before = json.loads((GOLDEN / "printed" / "runs-json.txt").read_text())["runs"]

    def known(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(({**run, "started": None} for run in runs), key=lambda run: str(run["name"]))

    assert known(now) == known(before)


def test_the_comparison() -> None:
    now = succeeds("compare", "runs/train", "runs/shorter", "runs/kfold", "--json").json
    before = json.loads((GOLDEN / "printed" / "compare-json.txt").read_text())
    assert now["settings"] == before["settings"]
    assert_alike(
        [{key: run[key] for key in old} for run, old in zip(now["runs"], before["runs"], strict=True)], before["runs"]
    )
    for key in ("n_shared", "only_first", "only_second", "low", "high", "p", "p_holm", "conclusion"):
        assert_alike([each[key] for each in now["differences"]], [each[key] for each in before["differences"]])


def test_an_evaluation_of_the_version_before_is_compared() -> None:
    document = succeeds("compare", "runs/train", "runs/train/evaluations/test", "--json").json
    assert document["differences"][0]["conclusion"] == "no difference"


def test_the_report_shows_the_evaluations_and_robustness() -> None:
    document = succeeds("report", "runs/train", "--json").json
    assert document["accuracy"] == written("train/metrics.json")["accuracy"]
    assert document["robustness"] == pytest.approx(written("train/evaluations/test/robustness.json")["area"])
    card = Path("runs/train/MODEL_CARD.md").read_text()
    assert "0.300" in card
    assert succeeds("report", "runs/kfold", "--json").json["accuracy"] == written("kfold/metrics.json")["accuracy"]


@pytest.mark.parametrize("verb", ["train", "kfold"])
def test_a_finished_run_that_is_resumed_comes_to_the_same(verb: str) -> None:
    now, before = succeeds(verb, "--resume", f"runs/{verb}", "--json").json, written(f"{verb}/metrics.json")
    for key in ("accuracy", "loss", "confusion", "groups", "n_test", "epochs", "held_out", "accuracy_mean"):
        assert_alike(now.get(key), before.get(key))


@pytest.mark.parametrize(("name", "words"), [("test", ()), ("other", ("--data", "data/other"))])
def test_an_evaluation_comes_to_the_same(name: str, words: tuple[str, ...]) -> None:
    now = succeeds("evaluate", "runs/train", *words, "--json").json
    before = written(f"train/evaluations/{name}/metrics.json")
    for key in ("accuracy", "loss", "confusion", "groups", "n_test", "split"):
        assert_alike(now[key], before[key])
    assert now["n_trained_on"] == 0
