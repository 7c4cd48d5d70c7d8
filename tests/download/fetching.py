"""A fetch that remembers what it was told."""

from pathlib import Path

import pytest

from audiomnist.download.fetch import Patience, fetch
from tests.download.small_corpora import QUICK


class Fetch:
    """One fetch after the other to the same file, with what they reported."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.target = folder / "corpus.zip"
        self.steps: list[tuple[int, int | None]] = []
        self.events: list[str] = []
        self.pauses: list[float] = []
        patch.setattr("audiomnist.download.fetch.sleep", self.pauses.append)

    def __call__(self, url: str, patience: Patience = QUICK) -> bytes:
        fetch(
            url,
            self.target,
            patience=patience,
            progress=lambda done, total: self.steps.append((done, total)),
            say=self.events.append,
        )
        return self.target.read_bytes()

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())
