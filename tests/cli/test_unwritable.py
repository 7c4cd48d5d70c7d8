"""A full disk and a read-only folder: one message, nothing lost that was there, and afterwards it goes on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from audiomnist.training.listeners import Checkpoint
from tests.cli.command import SMALL, Refusal, audiomnist, refused, succeeds, weights
from tests.cli.conftest import Trained

resource = pytest.importorskip("resource")
WORDS = (*SMALL, "--set", "optim.epochs=2")


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 20 kB: writing fails in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    folder.chmod(0o555)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere")
        yield
    finally:
        folder.chmod(0o755)


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_a_full_disk_stops_prep_in_one_message(small_corpus: Path, home: Path) -> None:
    words = ("prep", "--data", small_corpus, *WORDS)
    succeeds(*words, "--set", "features.n_mels=8")
    earlier = files_in(home)
    with full_disk():
        assert "disk" in refused(3, *words).hint
    assert files_in(home) == earlier
    succeeds(*words)


def test_a_full_disk_stops_training_at_the_epoch_before(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, unbroken = tmp_path / "run", tmp_path / "unbroken"
    succeeds("train", "--data", small_corpus, *WORDS, "--run", unbroken, "-q")
    epoch_ended = Checkpoint.epoch_ended

    def disk_fills_up(self: Checkpoint, record: Any, trainer: Any) -> None:
        if record.epoch == 1:
            epoch_ended(self, record, trainer)
            return
        with full_disk():
            epoch_ended(self, record, trainer)

    monkeypatch.setattr(Checkpoint, "epoch_ended", disk_fills_up)
    outcome = audiomnist("train", "--data", small_corpus, *WORDS, "--run", run, "--json")
    assert outcome.exit_code == outcome.json["exit_code"] == 3
    assert "disk" in outcome.json["hint"]
    assert not list(run.glob(".*.tmp-*"))
    monkeypatch.undo()
    succeeds("train", "--resume", run, "-q")
    assert weights(run) == weights(unbroken)


@pytest.mark.parametrize("words", ["evaluate {run} --data {corpus}", "export {run} --format html"])
def test_a_full_disk_leaves_a_run_as_it_was(trained: Trained, tmp_path: Path, words: str) -> None:
    run = trained.copy(tmp_path / "run")
    command = words.format(run=run, corpus=trained.corpus).split()
    earlier = files_in(tmp_path)
    with full_disk():
        assert "disk" in refused(3, *command).hint
    assert files_in(tmp_path) == earlier
    succeeds(*command, "-q")
    assert files_in(tmp_path).keys() > earlier.keys()


@pytest.mark.parametrize(("verb", "place"), [("prep", "data/.store"), ("train", "runs")])
def test_a_read_only_folder_is_named(small_corpus: Path, home: Path, verb: str, place: str) -> None:
    words = (verb, "--data", small_corpus, *WORDS)
    (home / place).mkdir(parents=True)
    with read_only(home / place):
        refusal: Refusal = refused(3, *words)
        assert str(home / place) in refusal.error
    assert not files_in(home / place)
    succeeds(*words)
