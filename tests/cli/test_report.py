import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import refused, succeeds
from tests.cli.conftest import Trained

pytestmark = pytest.mark.usefixtures("two_distortions")


def without_corpus(run: Path) -> Path:
    """Let a run be of a corpus that is nowhere."""
    (run / "record.json").unlink()  # which says what the configuration was
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"data": str(run / "gone")}))
    return run


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_command_writes_page_card_and_sweep(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    document: dict[str, Any] = succeeds("report", run, "--json").json
    assert document["report"] == str(run / "report.html")
    assert document["model_card"] == str(run / "MODEL_CARD.md")
    assert document["accuracy"] == trained.document["accuracy"]
    assert document["interval"] == trained.document["interval"]
    assert document["robustness"] is not None
    assert (run / "robustness.json").exists()
    assert (run / "figures" / "robustness.png").exists()
    assert f"Accuracy {trained.document['accuracy']:.3f}: " in (run / "MODEL_CARD.md").read_text()


def test_a_second_report_needs_no_network(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    first = succeeds("report", run)
    assert "robustness: " in first.stderr
    page = (run / "report.html").read_bytes()
    (run / "model.safetensors").unlink()
    second = succeeds("report", run)
    assert "robustness: " not in second.stderr
    assert "Mean accuracy under distortion" in second.stdout
    assert (run / "report.html").read_bytes() == page


def test_out_leaves_the_run_as_it_is(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    before = content(run)
    succeeds("report", run, "--out", tmp_path / "new" / "out")
    assert content(run) == before
    written = {"report.html", "MODEL_CARD.md", "robustness.json", "figures/robustness.png"}
    assert content(tmp_path / "new" / "out").keys() == written


def test_a_cross_validation(cross_validated: Trained, tmp_path: Path) -> None:
    run = cross_validated.copy(tmp_path / "run")
    out = succeeds("report", run, "-q").stdout
    assert "Unseen speakers" in out
    assert "Not measured: a cross validation has a network per fold" in out
    page, card = (run / "report.html").read_text(), (run / "MODEL_CARD.md").read_text()
    assert "Cross validation of v2" in page
    assert "a line per fold" in page
    assert re.search(r"\| 2 \| \w+ \| 80 \| 40 \|", card)
    assert "audiomnist kfold --config config.yaml" in card


def test_what_is_not_finished_is_refused(trained: Trained, cross_validated: Trained, tmp_path: Path) -> None:
    run, folds = trained.copy(tmp_path / "a run"), cross_validated.copy(tmp_path / "folds")
    for folder, verb in ((run, "train"), (folds, "kfold")):
        (folder / "metrics.json").unlink()
        refusal = refused(3, "report", folder)
        assert refusal.error == f"{folder} is not finished"
        assert f"audiomnist {verb} --resume " in refusal.hint
        assert str(folder) in refusal.hint
    assert not (run / "report.html").exists()


def test_without_the_corpus_there_is_a_report_all_the_same(trained: Trained, tmp_path: Path) -> None:
    run = without_corpus(trained.copy(tmp_path / "run"))
    outcome = succeeds("report", run)
    assert "the report will have no sound" in outcome.stderr
    assert "Not measured: the corpus is no longer there" in outcome.stdout
    assert "<audio" not in (run / "report.html").read_text()


def test_without_the_network_there_is_a_report_all_the_same(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    (run / "model.safetensors").unlink()
    outcome = succeeds("report", run)
    assert "the report will have no robustness" in outcome.stderr
    assert "Not measured: clips or network could not be read" in outcome.stdout


def test_an_unwritable_folder_is_refused_before_the_work(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert str(tmp_path / "file") in refused(3, "report", trained.run, "--out", tmp_path / "file").error


@pytest.mark.parametrize("name", ["predictions.csv", "split.csv", "metrics.json", "robustness.json"])
def test_a_broken_file_is_named(trained: Trained, tmp_path: Path, name: str) -> None:
    run = trained.copy(tmp_path / "run")
    (run / name).write_text("path,x\n1,2\n")
    assert name in refused(3, "report", run).error


def test_there_must_be_a_run(tmp_path: Path) -> None:
    assert "no run" in refused(3, "report", tmp_path).error


def test_a_result_that_lacks_a_key_is_named(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    (run / "record.json").unlink()
    metrics = json.loads((run / "metrics.json").read_text())
    del metrics["interval"]
    (run / "metrics.json").write_text(json.dumps(metrics))
    refusal = refused(3, "report", run)
    assert str(run / "metrics.json") in refusal.error
