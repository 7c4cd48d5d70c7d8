"""Each exit code, and that whoever gets it is told what was wrong and what to do, once and without a traceback."""

from pathlib import Path

import pytest
import torch

from tests.cli.command import SMALL, audiomnist, refused, succeeds
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus

TRAINING_VERBS = ("prep", "train", "kfold")
MISSING_GPU = "cuda:99" if torch.cuda.is_available() else "cuda"


@pytest.mark.parametrize("verb", TRAINING_VERBS)
def test_missing_data_names_the_command_that_gets_it(verb: str, home: Path) -> None:
    refusal = refused(3, verb)
    assert str(home / "data" / "audiomnist") in refusal.error
    assert "audiomnist" in refusal.hint
    assert not (home / "runs").exists()


def test_a_missing_named_corpus_is_asked_for_at_its_place(home: Path) -> None:
    refusal = refused(3, "train", "--data", "fsdd")
    assert refusal.error == f"the corpus 'fsdd' is not here: {home / 'data' / 'fsdd'} does not exist"
    assert refusal.hint.startswith("get it with: ")


def test_a_mistyped_corpus_is_asked_back() -> None:
    refusal = refused(3, "train", "--data", "audiomnst")
    assert "audiomnst" in refusal.error
    assert refusal.hint == "did you mean 'audiomnist'?"


@pytest.mark.parametrize("verb", TRAINING_VERBS)
def test_an_empty_folder_is_no_corpus(verb: str, tmp_path: Path) -> None:
    refusal = refused(3, verb, "--data", tmp_path)
    assert refusal.error == f"no clip in {tmp_path} (an empty folder)"
    assert "<digit>_<speaker>_<number>.wav" in refusal.hint


def test_a_folder_without_clips_is_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(b"")
    assert refused(3, "train", "--data", tmp_path).error.startswith(f"no clip in {tmp_path} (nothing but 1 other file")


def test_a_recording_is_no_corpus(small_corpus: Path) -> None:
    clip = small_corpus / "0_george_0.wav"
    assert refused(3, "train", "--data", clip).error == f"{clip} is not a corpus"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all"])
def test_a_recording_that_cannot_be_read_is_named(make_corpus: MakeCorpus, tmp_path: Path, content: bytes) -> None:
    corpus = make_corpus(tmp_path / "corpus", speakers=1, repetitions=5)
    (corpus / "3_george_1.wav").write_bytes(content)
    refusal = refused(3, "train", "--strict", "--data", corpus, *SMALL, "--run", tmp_path / "run")
    assert refusal.error.startswith("1 of 50 clips cannot be used\n")
    assert str(corpus / "3_george_1.wav") in refusal.error
    assert not (tmp_path / "run").exists()


def test_a_corpus_too_small_to_be_split_is_refused(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", speakers=1, repetitions=5)
    assert "speakers" in refused(3, "train", "--data", corpus, "--split", "speaker").error


def test_without_any_run_there_is_none_to_test(home: Path) -> None:
    refusal = refused(3, "evaluate")
    assert refusal.error == f"there is no trained run in {home / 'runs'}"
    assert refusal.hint == "train one with: audiomnist train"


@pytest.mark.parametrize("words", [("evaluate",), ("train", "--resume"), ("kfold", "--resume")])
def test_a_run_that_is_not_there_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    what = "model" if words == ("evaluate",) else "run"
    assert refused(3, *words, tmp_path / "gone").error == f"there is no {what} at {tmp_path / 'gone'}"


@pytest.mark.parametrize("verb", ["train", "kfold"])
def test_a_gpu_that_is_not_there_is_refused_with_what_works(verb: str, small_corpus: Path) -> None:
    refusal = refused(4, verb, "--data", small_corpus, *SMALL, "--device", MISSING_GPU)
    assert refusal.error.startswith(f"--device {MISSING_GPU}: this machine has ")
    assert "--device cpu" in refusal.hint


def test_a_run_is_not_tested_on_a_gpu_that_is_not_there(trained: Trained) -> None:
    assert MISSING_GPU in refused(4, "evaluate", trained.run, "--device", MISSING_GPU).error


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", "meta", ""])
def test_a_device_nobody_has_is_refused(device: str, small_corpus: Path) -> None:
    assert "auto, cpu, cuda" in refused(4, "train", "--data", small_corpus, "--device", device).hint


@pytest.mark.parametrize("verb", TRAINING_VERBS)
def test_an_unknown_version_is_refused(verb: str) -> None:
    refusal = refused(4, verb, "--version", "v22")
    assert refusal.error == "there is no version 'v22'"
    assert "did you mean 'v2'?" in refusal.hint


@pytest.mark.parametrize("verb", TRAINING_VERBS)
def test_a_configuration_is_named_once(verb: str) -> None:
    assert "--version and --config" in refused(2, verb, "--version", "v1", "--config", "mine.yaml").error


def test_a_configuration_that_is_not_there_is_refused_by_name() -> None:
    assert refused(4, "train", "--config", "gone.yaml").error.startswith("cannot read gone.yaml: ")


def test_a_wrong_setting_is_refused_before_anything_is_done(home: Path) -> None:
    assert "optim.lrr" in refused(4, "train", "--set", "optim.lrr=1").error
    assert not list(home.iterdir())


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("train", "--nope"), "--nope"),
        (("evaluate", "--min-accuracy", "high"), "--min-accuracy"),
        (("kfold", "--folds", "1"), "--folds"),
        (("trian",), "train"),
        (("evaluate", "one", "two"), "two"),
        (("config", "show"), "NAME"),
        (("config", "shwo"), "show"),
    ],
)
def test_a_wrong_command_line_is_told_to_people_and_scripts(words: tuple[str, ...], part: str) -> None:
    for_people, for_scripts = audiomnist(*words), audiomnist(*words, "--json")
    assert (for_people.exit_code, for_scripts.exit_code) == (2, 2)
    assert part in for_people.stderr
    assert for_people.stdout == for_scripts.stderr == ""
    document = for_scripts.json
    assert part in document["error"]
    assert document["exit_code"] == 2
    assert for_people.stderr == f"error: {document['error']}\nhint: {document['hint']}\n"


@pytest.mark.parametrize("words", [("--nope", "train", "--json"), ("--json",), ("--json", "train")])
def test_a_script_gets_json_wherever_the_command_line_goes_wrong(words: tuple[str, ...]) -> None:
    outcome = audiomnist(*words)
    assert outcome.exit_code == outcome.json["exit_code"] == 2


@pytest.mark.parametrize(
    "words",
    [
        ("train", "--data", "{corpus}", *SMALL, "--run", "{file}/run"),
        ("kfold", "--data", "{corpus}", *SMALL, "--folds", "2", "--run", "{file}/run"),
        ("evaluate", "{run}", "--out", "{file}/out"),
        ("config", "copy", "v2", "{file}/mine.yaml"),
    ],
    ids=["train", "kfold", "evaluate", "config"],
)
def test_a_place_that_cannot_be_written_to_is_named(words: tuple[str, ...], trained: Trained, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    places = {"corpus": trained.corpus, "run": trained.run, "file": file}
    assert str(file) in refused(3, *(word.format(**places) for word in words)).error


def test_success_is_0(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", speakers=1, repetitions=1)
    outcome = succeeds("prep", "--data", corpus, *SMALL, "--json")
    assert outcome.stderr == ""
    assert outcome.json["clips"] == 10
