"""Finished runs, each made once for all tests, to be read or copied."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audiomnist.evaluation.robustness.sweep import all_families, sweep
from tests.cli.command import SMALL, Outcome, succeeds
from tests.conftest import MakeCorpus, Once


@dataclass(frozen=True)
class Trained:
    """A finished training or cross validation, to be read only."""

    run: Path
    corpus: Path

    @property
    def outcome(self) -> Outcome:
        """What the command printed with ``--json``."""
        return Outcome(**json.loads(self.run.with_name("printed.json").read_text()))

    @property
    def document(self) -> dict[str, Any]:
        """The result, as the command printed it."""
        return dict(self.outcome.json)

    def copy(self, to: Path, *, started: int | None = None) -> Path:
        """Return a copy of the run folder, which began in the second ``started`` if that is given."""
        shutil.copytree(self.run, to)
        if started is not None:
            record = json.loads((to / "record.json").read_text()) | {"started": started}
            (to / "record.json").write_text(json.dumps(record))
        return to

    def copy_of_earlier_version(self, to: Path) -> Path:
        """Return a copy without a record, whose files may be changed."""
        (self.copy(to) / "record.json").unlink()
        return to


@pytest.fixture(autouse=True)
def colours_as_for_any_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "PY_COLORS", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tiny(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    """60 clips of 2 speakers."""
    return make_corpus(tmp_path / "tiny", speakers=2, repetitions=3)


@pytest.fixture
def two_distortions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try two kinds of distortion instead of all."""
    monkeypatch.setitem(sweep.__globals__, "all_families", lambda *given: all_families(*given)[:2])


def _run(once: Once, name: str, corpus: Path, *words: object) -> Trained:
    def make(folder: Path) -> None:
        verb, *options = words
        outcome = succeeds(verb, "--data", corpus, *SMALL, *options, "--run", folder / "first", "--json")
        (folder / "printed.json").write_text(json.dumps(vars(outcome)))

    return Trained(once(name, make) / "first", corpus)


@pytest.fixture(scope="session")
def trained(small_corpus: Path, once: Once) -> Trained:
    """A training of two epochs, as good as guessing."""
    return _run(once, "trained", small_corpus, "train", "--set", "optim.epochs=2")


@pytest.fixture(scope="session")
def learned(small_corpus: Path, once: Once) -> Trained:
    """A training of eight epochs, after which the network knows the digits."""
    return _run(once, "learned", small_corpus, "train", "--set", "optim.epochs=8", "--set", "optim.lr=0.02")


@pytest.fixture(scope="session")
def cross_validated(small_corpus: Path, once: Once) -> Trained:
    """Three folds, a voice each."""
    return _run(once, "cross-validated", small_corpus, "kfold", "--folds", 3, "--group", "speaker")
