"""Clips that vanish or change while a command works on them: one message, nothing half made, and then it goes on."""

import os
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from audiomnist.features import prep
from audiomnist.training.listeners import Checkpoint
from tests.cli.command import SMALL, audiomnist, succeeds, weights
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus


@pytest.fixture
def corpus(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus", speakers=2, repetitions=4)


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".npz"}


@contextmanager
def in_motion(corpus: Path, seed: int) -> Iterator[None]:
    """Let clips vanish, come back, be cut or get another time all the while; at the end all are as they were."""
    draw, has_ended = random.Random(seed), threading.Event()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(corpus.iterdir())}

    def move() -> None:
        while not has_ended.wait(draw.uniform(0, 0.002)):
            path, (content, _) = draw.choice(list(before.items()))
            what = draw.randrange(4)
            if what == 0:
                path.unlink(missing_ok=True)
            elif what == 1:
                path.write_bytes(content[: draw.randrange(len(content))])
            else:
                path.write_bytes(content)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        has_ended.set()
        mover.join()
        for path, (content, time_ns) in before.items():
            path.write_bytes(content)
            os.utime(path, ns=(time_ns, time_ns))


@pytest.mark.parametrize("seed", range(2))
def test_clips_in_motion_come_to_the_store_of_clips_at_rest(corpus: Path, home: Path, seed: int) -> None:
    words = ("prep", "--data", corpus, *SMALL, "--json")
    for _ in range(3):
        with in_motion(corpus, seed):
            outcome = audiomnist(*words)
        assert outcome.exit_code in {0, 3}, outcome
        assert outcome.stderr == ""
        assert outcome.exit_code == 0 or str(corpus) in outcome.json["error"]
    stores = home / "data" / ".store"
    assert not list(stores.glob(".*.tmp-*"))
    document = succeeds(*words).json
    assert document["n_left_out"] == 0
    made = files_in(Path(document["store"]))
    shutil.rmtree(stores)
    succeeds(*words)
    assert files_in(Path(document["store"])) == made


def test_a_clip_that_vanishes_as_it_is_read_is_named(corpus: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = corpus / "3_george_0.wav"
    content, status, read = file.read_bytes(), file.stat(), prep.read

    def read_and_vanish(path: str, **options: bool) -> Any:
        recording = read(path, **options)
        if Path(path).name == file.name:
            Path(path).unlink()
        return recording

    monkeypatch.setattr(prep, "read", read_and_vanish)
    outcome = audiomnist("prep", "--data", corpus, *SMALL, "--json")
    assert outcome.exit_code == 3
    assert outcome.json["error"].splitlines()[0] == "1 of 80 clips cannot be read now"
    assert str(file) in outcome.json["error"]
    monkeypatch.undo()
    file.write_bytes(content)
    os.utime(file, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert succeeds("prep", "--data", corpus, *SMALL, "--json").json["clips"] == 80
    assert len(list((home / "data" / ".store").iterdir())) == 1


def test_training_needs_neither_clips_nor_store_once_it_began(
    trained: Trained, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = shutil.copytree(trained.corpus, tmp_path / "corpus")
    epoch_ended = Checkpoint.epoch_ended

    def all_vanishes(self: Checkpoint, record: Any, trainer: Any) -> None:
        epoch_ended(self, record, trainer)
        shutil.rmtree(corpus, ignore_errors=True)
        shutil.rmtree(home / "data", ignore_errors=True)

    monkeypatch.setattr(Checkpoint, "epoch_ended", all_vanishes)
    words = ("train", "--data", corpus, *SMALL, "--set", "optim.epochs=2", "--run", tmp_path / "run", "--json")
    result = succeeds(*words).json
    assert weights(tmp_path / "run") == weights(trained.run)
    assert result["loss"] == trained.document["loss"]
