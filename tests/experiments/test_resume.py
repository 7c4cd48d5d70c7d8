"""A run goes on only with what it wrote, on the clips it was begun with."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from audiomnist.errors import DataError
from audiomnist.files import alone_in
from audiomnist.runs.folder import RunFolder
from tests.cli.command import SMALL, refused, succeeds, weights
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus


@pytest.fixture
def corpus(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus", speakers=3, repetitions=2)


def train(corpus: Path, run: Path, *words: object) -> Path:
    succeeds("train", "--data", corpus, *SMALL, "--set", "optim.epochs=2", "--run", run, *words, "-q")
    return run


@pytest.fixture
def run(corpus: Path, tmp_path: Path) -> Path:
    return train(corpus, tmp_path / "run")


def clip_of(run: Path, part: str) -> str:
    with (run / "split.csv").open(newline="") as file:
        return next(row["path"] for row in csv.DictReader(file) if row["part"] == part)


def replace_sound(clip: Path) -> None:
    """Give a clip another sound, with size and time of change kept."""
    samples, rate = soundfile.read(clip)
    times = clip.stat().st_mtime_ns
    soundfile.write(clip, samples[::-1], rate, subtype="PCM_16")
    os.utime(clip, ns=(times, times))


def test_a_clip_that_is_another_recording_now_is_named(run: Path, corpus: Path) -> None:
    clip = clip_of(run, "train")
    (corpus / clip).write_bytes((corpus / clip_of(run, "test")).read_bytes())
    assert clip in refused(3, "train", "--resume", run).error
    assert clip in refused(3, "evaluate", run).error


def test_a_copy_of_the_corpus_with_new_times_is_the_same(run: Path, corpus: Path) -> None:
    for clip in corpus.iterdir():
        os.utime(clip, (1, 1))
    succeeds("train", "--resume", run, "-q")
    succeeds("evaluate", run, "-q")


def test_a_fold_goes_on_with_the_clips_it_was_begun_with(make_corpus: MakeCorpus, corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "folds"
    succeeds("kfold", "--data", corpus, *SMALL, "--folds", 2, "--run", run, "-q")
    kept = weights(run / "fold-1")
    for name in (
        "metrics.json",
        "state.pt",
        "state.before.pt",
        "model.safetensors",
        "history.jsonl",
        "predictions.csv",
    ):
        (run / "fold-1" / name).unlink(missing_ok=True)
    record = json.loads((run / "fold-1" / "record.json").read_text())
    record["files"] = {name: record["files"][name] for name in ("split.csv", "config.yaml")}
    (run / "fold-1" / "record.json").write_text(json.dumps(record))
    make_corpus(corpus, speakers=4, repetitions=2)  # another speaker, with whom folds would be drawn otherwise
    succeeds("kfold", "--resume", run, "-q")
    assert weights(run / "fold-1") == kept
    clip = clip_of(run / "fold-0", "test")
    (corpus / clip).unlink()
    assert clip in refused(3, "kfold", "--resume", run).error


def test_classes_come_from_the_run(make_corpus: MakeCorpus, corpus: Path, tmp_path: Path) -> None:
    run = train(corpus, tmp_path / "run", "--target", "speaker")
    before = json.loads((run / "metrics.json").read_text())
    for name in ("adam", "zoe"):
        for clip in corpus.glob("*_george_*.wav"):
            shutil.copy(clip, corpus / clip.name.replace("george", name))
    after = succeeds("train", "--resume", run, "--json").json
    assert list(after["per_class"]) == list(before["per_class"]) == ["george", "jackson", "lucas"]
    assert after["accuracy"] == before["accuracy"]


@pytest.mark.parametrize(
    ("verb", "names"),
    [
        ("train --resume", ("split.csv", "state.pt", "history.jsonl")),
        ("evaluate", ("split.csv", "model.safetensors")),
        ("report", ("split.csv", "history.jsonl", "predictions.csv")),
    ],
)
def test_a_lost_file_is_refused_by_name(trained: Trained, tmp_path: Path, verb: str, names: tuple[str, ...]) -> None:
    for name in names:
        run = trained.copy(tmp_path / name)
        (run / name).unlink()
        assert f"{run / name} is gone" in refused(3, *verb.split(), run).error


def test_an_edited_configuration_is_refused_by_every_verb(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("n_mels: 24", "n_mels: 32"))
    for words in (("train", "--resume"), ("report",)):
        assert f"{run / 'config.yaml'} is not the file" in refused(3, *words, run).error


def test_predictions_cut_at_a_row_or_doubled_are_refused(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    lines = (run / "predictions.csv").read_text().splitlines()
    (run / "record.json").unlink()
    for rows in (lines[:-1], [*lines, *lines[1:]], [*lines[:-1], lines[-1][:9]], lines[:1], []):
        (run / "predictions.csv").write_text("\n".join(rows))
        assert str(run / "predictions.csv") in refused(3, "report", run).error


def test_a_second_process_in_a_run_is_refused(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    with alone_in(run, "", ""):
        assert "another process" in refused(3, "train", "--resume", run).error


@pytest.mark.parametrize("left", [("split.csv",), ("split.csv", "record.json"), (".split.csv.tmp",), ()])
def test_a_start_that_was_killed_can_be_made_again(trained: Trained, left: tuple[str, ...], tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    for name in left:
        (begun / name).write_bytes((trained.run / "split.csv").read_bytes())
    if left:
        assert f"audiomnist train --run {begun}" in refused(3, "train", "--resume", begun).hint
    train(trained.corpus, begun)
    assert weights(begun) == weights(trained.run)


def test_folds_killed_at_their_start_can_be_made_again(corpus: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    (begun / "fold-0").mkdir(parents=True)
    (begun / "fold-0" / ".config.yaml.tmp").touch()
    assert f"audiomnist kfold --run {begun}" in refused(3, "kfold", "--resume", begun).hint
    succeeds("kfold", "--data", corpus, *SMALL, "--folds", 2, "--run", begun, "-q")


def test_a_finished_fold_is_cleared_of_what_was_left(cross_validated: Trained, tmp_path: Path) -> None:
    run = cross_validated.copy(tmp_path / "run")
    leave = (
        "import sys; from pathlib import Path; from audiomnist.files import temporary_beside\n"
        "temporary_beside(Path(sys.argv[1])).touch()"
    )
    subprocess.run([sys.executable, "-c", leave, run / "fold-1" / "record.json"], check=True)
    assert list(run.rglob(".*.tmp-*"))
    succeeds("kfold", "--resume", run, "-q")
    assert not list(run.rglob(".*.tmp-*"))


def test_a_folder_with_a_configuration_of_ones_own_is_not_taken(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text("seed: 1")
    assert "not empty" in refused(3, "train", "--data", corpus, *SMALL, "--run", tmp_path / "mine").error
    with pytest.raises(DataError):
        RunFolder(tmp_path / "mine").begin("train", RunFolder(tmp_path / "mine").load_config(), ("0", "1"))
