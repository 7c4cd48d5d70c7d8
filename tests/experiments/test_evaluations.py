"""An evaluation is known by what was tested, and says what else is to be known of it."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import audiomnist
from audiomnist.runs.folder import RunFolder
from tests.cli.command import SMALL, refused, succeeds
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus


@pytest.fixture
def run(trained: Trained, tmp_path: Path) -> Path:
    return trained.copy(tmp_path / "run")


@pytest.fixture
def other(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "other", speakers=2, repetitions=1, seed=1)


def results(run: Path) -> list[Path]:
    return sorted((run / "evaluations").iterdir())


@pytest.mark.parametrize("how", ["absolute", "relative", "link", "manifest", "copy"])
def test_clips_trained_on_are_found_however_they_are_named(
    how: str, run: Path, small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place: Path | str = small_corpus
    if how == "relative":
        monkeypatch.chdir(small_corpus.parent)
        place = small_corpus.name
    elif how == "link":
        place = tmp_path / "link"
        place.symlink_to(small_corpus)
    elif how == "copy":
        place = tmp_path / "copy"
        shutil.copytree(small_corpus, place)
    elif how == "manifest":
        place = tmp_path / "clips.csv"
        lines = [f"{clip},{clip.name[0]},{clip.name.split('_')[1]}" for clip in sorted(small_corpus.iterdir())]
        place.write_text("\n".join(("path,digit,speaker", *lines)))
    document = succeeds("evaluate", run, "--data", place, "--json").json
    assert document["n_trained_on"] == document["n_test"] - 24


def test_without_the_training_corpus_it_says_what_it_could_check(
    make_corpus: MakeCorpus, other: Path, tmp_path: Path
) -> None:
    corpus = make_corpus(tmp_path / "gone")
    run = tmp_path / "run"
    succeeds("train", "--data", corpus, *SMALL, "--run", run, "-q")
    shutil.rmtree(corpus)
    assert succeeds("evaluate", run, "--data", other, "--json").json["n_trained_on"] == 0
    with (run / "split.csv").open(newline="") as file:
        rows = [{key: row[key] for key in ("path", "part", "voice")} for row in csv.DictReader(file)]
    with (run / "split.csv").open("w", newline="") as file:  # as the version before wrote it
        writer = csv.DictWriter(file, ("path", "part", "voice"))
        writer.writeheader()
        writer.writerows(rows)
    (run / "record.json").unlink()
    outcome = succeeds("evaluate", run, "--data", other)
    assert "it is not known whether the model was trained on these clips" in outcome.stdout
    assert succeeds("evaluate", run, "--data", other, "--json").json["n_trained_on"] is None


def test_a_half_trained_run_is_tested_by_name_only_and_says_so(trained: Trained, run: Path, home: Path) -> None:
    half = trained.copy(home / "runs" / "half")
    (half / "metrics.json").unlink()
    assert "no trained run" in refused(3, "evaluate").error
    outcome = succeeds("evaluate", half)
    assert f"warning: {half} is not finished" in outcome.stderr


def test_evaluations_of_other_weights_are_not_the_networks(
    trained: Trained, run: Path, other: Path, make_corpus: MakeCorpus
) -> None:
    succeeds("evaluate", run, "--data", other, "-q")
    folder = RunFolder(run)
    assert len(folder.evaluations()) == 1
    record = json.loads((run / "record.json").read_text())
    again = run.parent / "again"
    succeeds("train", "--data", trained.corpus, *SMALL, "--seed", 1, "--run", again, "-q")
    shutil.copy(again / "model.safetensors", run)
    record["files"]["model.safetensors"] = json.loads((again / "record.json").read_text())["files"]["model.safetensors"]
    (run / "record.json").write_text(json.dumps(record))
    assert folder.evaluations() == []
    assert len([*folder.path.glob("evaluations/*/metrics.json")]) == 1
    succeeds("evaluate", run, "--data", other, "-q")
    assert len(results(run)) == 2


def test_what_is_tested_otherwise_has_a_folder_of_its_own(run: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    places = [
        make_corpus(tmp_path / name / "test", speakers=2, repetitions=6, seed=seed) for seed, name in enumerate("ab")
    ]
    (tmp_path / "list.txt").write_text("0_george_0.wav\n")
    for words in ((), ("--split", "fsdd-official"), ("--exclude-file", tmp_path / "list.txt")):
        succeeds("evaluate", run, "--data", places[0], *words, "-q")
    succeeds("evaluate", run, "--data", places[1], "-q")
    assert len(results(run)) == 4
    for clip in places[1].iterdir():
        clip.touch()
    succeeds("evaluate", run, "--data", places[1], "-q")
    assert len(results(run)) == 4
    assert RunFolder(run).load_robustness() is None


def test_a_folder_that_holds_something_else_is_not_written_to(run: Path, other: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    succeeds("evaluate", run, "--data", other, "--out", out, "-q")
    succeeds("evaluate", run, "--data", other, "--out", out, "-q")
    for taken in (out, run):
        assert "holds something else" in refused(3, "evaluate", run, "--out", taken).error


def test_clips_left_out_and_cut_are_counted(make_corpus: MakeCorpus, tmp_path: Path, other: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", speakers=2, repetitions=2)
    run = tmp_path / "run"
    succeeds(
        "train", "--data", corpus, *SMALL, "--target", "speaker", "--set", "window.clip_ms=400", "--run", run, "-q"
    )
    for clip in list(other.glob("*_george_*.wav")):
        shutil.copy(clip, other / clip.name.replace("george", "zoe"))
    document = succeeds("evaluate", run, "--data", other, "--json").json
    assert (document["n_test"], document["n_left_out"]) == (20, 10)
    assert 0 < document["n_cut"] < 20
    shown = succeeds("evaluate", run, "--data", other).stdout
    assert "10 clips left out" in shown
    assert "longer than the window, and cut" in shown


def test_several_corpora_have_a_row_each_and_a_mean(
    run: Path, other: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    third = make_corpus(tmp_path / "third", speakers=3, repetitions=1, seed=2)
    words = ("evaluate", run, "--data", other, "--data", third)
    document = succeeds(*words, "--json").json
    assert [of["data"] for of in document["corpora"]] == [str(other), str(third)]
    mean = sum(of["accuracy"] for of in document["corpora"]) / 2
    assert document["accuracy_mean"] == pytest.approx(mean)
    shown = succeeds(*words).stdout
    assert f"mean accuracy {mean:.3f}" in shown
    assert "worst digit" in shown


def test_a_model_file_alone_is_tested_on_a_corpus(run: Path, other: Path, tmp_path: Path, home: Path) -> None:
    shutil.copy(run / "model.safetensors", tmp_path / "mine.safetensors")
    document = succeeds("evaluate", tmp_path / "mine.safetensors", "--data", other, "--json").json
    assert document["accuracy"] == succeeds("evaluate", run, "--data", other, "--json").json["accuracy"]
    assert document["n_trained_on"] is None
    assert "--data" in refused(2, "evaluate", tmp_path / "mine.safetensors").hint
    assert len(list((home / "evaluations").iterdir())) == 1


def test_the_verbs_are_functions(small_corpus: Path, other: Path, tmp_path: Path) -> None:
    settings = {key: int(value) for key, _, value in (word.partition("=") for word in SMALL) if value}
    result = audiomnist.train("v2", settings=settings, data=str(small_corpus), run=tmp_path / "run")
    assert result.n_test == 24
    assert (result.epochs, result.epochs_planned) == (1, 1)
    assert audiomnist.evaluate(tmp_path / "run").result.accuracy == result.accuracy
    assert audiomnist.evaluate(tmp_path / "run", str(other)).result.n_test == 20
