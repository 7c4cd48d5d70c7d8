import json
import os
import shlex
import shutil
import signal
from pathlib import Path

import pytest
import torch

from audiomnist.training.listeners import Checkpoint
from audiomnist.training.trainer import Trainer
from tests.cli.command import SMALL, refused, succeeds, weights, without_times
from tests.cli.conftest import Trained
from tests.cli.forked import Forked
from tests.conftest import MakeCorpus


def test_the_command_to_resume_can_be_copied(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "my run")
    hint = refused(3, "train", "--data", trained.corpus, *SMALL, "--run", run).hint
    assert shlex.split(hint[hint.index("audiomnist train") :]) == ["audiomnist", "train", "--resume", str(run)]


def test_a_finished_run_that_is_resumed_stays_as_it_is(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    document = succeeds("train", "--resume", run, "--json").json
    assert without_times(document) == without_times(trained.document)
    for name in ("model.safetensors", "history.jsonl", "predictions.csv", "split.csv", "config.yaml"):
        assert (run / name).read_bytes() == (trained.run / name).read_bytes()


def test_a_run_killed_in_its_first_epoch_ends_like_a_whole_one(trained: Trained, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.yaml", "split.csv"):
        shutil.copy(trained.run / name, run)
    document = succeeds("train", "--resume", run, "--json").json
    assert weights(run) == weights(trained.run)
    assert without_times(document) == without_times(trained.document)


def kill_in_the_second_epoch() -> None:
    """Let this process be killed after the third step of its second epoch."""
    step_ended = Checkpoint.step_ended

    def step_ended_and_kill(self: Checkpoint, trainer: Trainer) -> None:
        step_ended(self, trainer)
        if trainer.state()["epoch"] == 1 and trainer.state()["under_way"]["n_steps"] == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    Checkpoint.step_ended = step_ended_and_kill  # type: ignore[method-assign]


@pytest.mark.parametrize(("minutes", "n_steps"), [(1e-9, 3), (10, 0)])
def test_a_long_epoch_goes_on_from_its_last_save_bit_for_bit(
    small_corpus: Path, tmp_path: Path, minutes: float, n_steps: int
) -> None:
    run, unbroken = tmp_path / "run", tmp_path / "unbroken"
    settings = (*SMALL, "--set", "optim.epochs=3", "--set", "optim.ema=0.5", "--set", f"checkpoint_minutes={minutes}")
    words = ("train", "--data", small_corpus, *settings, "--run")
    assert Forked(*words, run, first=kill_in_the_second_epoch).outcome().exit_code == -signal.SIGKILL
    saved = torch.load(run / "state.pt", weights_only=True)
    assert (saved["epoch"], saved["under_way"]["n_steps"]) == (1, n_steps)
    resumed, at_once = succeeds("train", "--resume", run, "--json").json, succeeds(*words, unbroken, "--json").json
    assert weights(run) == weights(unbroken)
    assert without_times(resumed) == without_times(at_once)
    epochs, expected = (
        [without_times(json.loads(line)) for line in (of / "history.jsonl").read_text().splitlines()]
        for of in (run, unbroken)
    )
    assert epochs == expected


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--version", "v1"),
        ("--config", "mine.yaml"),
        ("--set", "optim.epochs=9"),
        ("--data", "fsdd"),
        ("--split", "speaker"),
        ("--seed", "1"),
        ("--seed", "0"),
        ("--run", "elsewhere"),
    ],
)
def test_resuming_refuses_what_it_cannot_change(tmp_path: Path, option: str, value: str) -> None:
    assert option in refused(2, "train", "--resume", tmp_path / "run", option, value).error


def test_a_run_whose_corpus_lost_a_clip_is_not_resumed(
    make_corpus: MakeCorpus, trained: Trained, tmp_path: Path
) -> None:
    run, corpus = trained.copy_of_earlier_version(tmp_path / "run"), make_corpus(tmp_path / "corpus")
    config = run / "config.yaml"
    config.write_text(config.read_text().replace(str(trained.corpus), str(corpus)))
    (corpus / "3_lucas_2.wav").unlink()
    refusal = refused(3, "train", "--resume", run)
    assert str(corpus) in refusal.error
    assert "3_lucas_2.wav" in refusal.error


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("split.csv", "path,part\n"),
        ("split.csv", "no table"),
        ("split.csv", "path,part\n0_george_0.wav,exam\n"),
        ("history.jsonl", '{"epoch": 1'),
        ("state.pt", "no state"),
    ],
)
def test_a_damaged_file_of_a_run_is_named_in_a_few_words(
    trained: Trained, tmp_path: Path, name: str, content: str
) -> None:
    run = trained.copy_of_earlier_version(tmp_path / "run")
    (run / "state.before.pt").unlink()  # which would be taken in place of a damaged state.pt
    (run / name).write_text(content)
    error = refused(3, "train", "--resume", run).error
    assert str(run / name) in error
    assert "\n" not in error
