import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.command import SMALL, audiomnist, refused, succeeds
from tests.conftest import MakeCorpus


@pytest.fixture
def corpus(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    """100 clips, of which three cannot be used."""
    root = make_corpus(tmp_path / "corpus", speakers=2, repetitions=5)
    (root / "0_george_0.wav").write_bytes(b"no sound")
    cut = (root / "1_george_0.wav").read_bytes()
    (root / "1_george_0.wav").write_bytes(cut[: len(cut) // 2])
    soundfile.write(root / "2_george_0.wav", np.full(900, 1e22, dtype=np.float32), 8_000, subtype="FLOAT")
    return root


def test_unusable_clips_are_named_once_and_left_out(corpus: Path) -> None:
    outcome = audiomnist("prep", "--data", corpus, *SMALL)
    assert outcome.exit_code == 0
    assert "left out 3 clips" in outcome.stderr
    assert outcome.stderr.count("0_george_0.wav: ") == 1
    document = succeeds("prep", "--data", corpus, *SMALL, "--json").json
    assert (document["clips"], document["n_left_out"]) == (97, 3)
    assert [clip["path"] for clip in document["left_out"]] == [f"{digit}_george_0.wav" for digit in range(3)]


REASONS = (
    "0_george_0.wav: neither WAV nor FLAC, OGG or MP3",
    "1_george_0.wav: the file ends ",
    "2_george_0.wav: a sample of 1e+22, ",
)


def test_every_verb_names_unusable_clips_once_with_the_reason(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    of_clips = ("--data", corpus, *SMALL)
    may_be_strict: list[tuple[object, ...]] = [
        ("train", *of_clips, "--run", run),
        ("prep", *of_clips),
        ("kfold", *of_clips, "--folds", 2),
        ("evaluate", run),
        ("evaluate", run, "--data", corpus),
    ]
    others: list[tuple[object, ...]] = [
        ("analyze", "--data", corpus, "--out", tmp_path / "analysis"),
        ("validate", "--data", corpus, "--deep"),
        ("predict", corpus, "--model", run),
    ]
    for words in (*may_be_strict, *others):
        outcome = audiomnist(*words)
        assert outcome.exit_code == (3 if words[0] in {"validate", "predict"} else 0)
        assert [(outcome.stdout + outcome.stderr).count(reason) for reason in REASONS] == [1, 1, 1], words
    for words in may_be_strict:
        refusal = refused(3, *words, "--strict")
        assert refusal.error.startswith("3 of 100 clips cannot be used\n")
        assert [refusal.error.count(reason) for reason in REASONS] == [1, 1, 1], words


def test_every_verb_goes_on_without_unusable_clips(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = succeeds("train", "--data", corpus, *SMALL, "--run", run, "--json").json
    assert (trained["n_left_out"], trained["n_train"] + trained["n_test"]) == (3, 97)
    resumed = succeeds("evaluate", run, "--json").json
    assert (resumed["n_left_out"], resumed["accuracy"]) == (3, trained["accuracy"])
    elsewhere = succeeds("evaluate", run, "--data", corpus, "--json").json
    assert (elsewhere["n_left_out"], elsewhere["n_test"]) == (3, 97)
    folds = succeeds("kfold", "--data", corpus, *SMALL, "--folds", 2, "--json").json
    assert (folds["n_left_out"], folds["n_test"]) == (3, 97)
    analysis = succeeds("analyze", "--data", corpus, "--out", tmp_path / "analysis", "--json").json
    assert (len(analysis["unreadable"]), analysis["clips"]) == (3, 97)


def test_verify_names_files_replaced_with_their_time_kept(corpus: Path) -> None:
    refused(3, "prep", "--data", corpus, *SMALL, "--verify")
    succeeds("prep", "--data", corpus, *SMALL)
    succeeds("prep", "--data", corpus, *SMALL, "--verify")
    file = corpus / "9_jackson_4.wav"
    status, sound = file.stat(), file.read_bytes()
    file.write_bytes(sound[:44] + sound[:43:-1])
    os.utime(file, ns=(status.st_mtime_ns, status.st_mtime_ns))
    refusal = refused(3, "prep", "--data", corpus, *SMALL, "--verify")
    assert file.name in refusal.error
    assert f"touch {file}" in refusal.hint


def test_prune_removes_features_not_used_lately(corpus: Path, home: Path) -> None:
    succeeds("prep", "--data", corpus, *SMALL)
    assert succeeds("prep", "--prune", "--json").json == {"removed": {}, "bytes": 0}
    (store,) = (home / "data" / ".store").iterdir()
    os.utime(store, (0, 0))
    assert list(succeeds("prep", "--prune", "--json").json["removed"]) == [str(store)]
    assert not store.exists()
