import json
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


@pytest.fixture(scope="session")
def trained(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(home))
        run = home / "runs" / "first"
        outcome = succeeds("train", "--data", small_corpus, *SMALL, "--set", "optim.epochs=2", "--run", run, "--json")
    return Trained(run, small_corpus, outcome.json, outcome)
