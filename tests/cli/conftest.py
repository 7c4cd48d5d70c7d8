import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import SMALL, Outcome, succeeds


@dataclass(frozen=True)
class Trained:
    """A finished run of two epochs, to be read only."""

    run: Path
    corpus: Path
    document: dict[str, Any]
    outcome: Outcome

    def copy(self, to: Path) -> Path:
        """Return a copy of the run folder that may be changed."""
        shutil.copytree(self.run, to)
        return to


@pytest.fixture(autouse=True)
def colours_as_for_any_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "PY_COLORS", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def trained(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(home))
        run = home / "runs" / "first"
        outcome = succeeds("train", "--data", small_corpus, *SMALL, "--set", "optim.epochs=2", "--run", run, "--json")
    return Trained(run, small_corpus, outcome.json, outcome)
