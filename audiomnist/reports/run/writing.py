"""Writing page and model card of a finished run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiomnist.audio import read
from audiomnist.errors import DataError
from audiomnist.evaluation.mistakes import misclassified
from audiomnist.files import write_text
from audiomnist.reports.clip_cards import Sound
from audiomnist.reports.run import words
from audiomnist.reports.run.card import card
from audiomnist.reports.run.facts import Facts
from audiomnist.reports.run.page import page
from audiomnist.runs.results import Misclassified

PAGE, CARD = "report.html", "MODEL_CARD.md"
N_SHOWN = 12


@dataclass(frozen=True)
class Report:
    """A page and a model card, written."""

    facts: Facts
    folder: Path

    @property
    def page(self) -> Path:
        """To look at and listen to."""
        return self.folder / PAGE

    @property
    def card(self) -> Path:
        """To go with the model."""
        return self.folder / CARD

    def as_json(self) -> dict[str, Any]:
        """Return plain values: where both are, the main figures, and what was not measured."""
        metrics, robustness = self.facts.metrics, self.facts.robustness
        return {
            "run": str(self.facts.run.path),
            "report": str(self.page),
            "model_card": str(self.card),
            **{name: metrics[name] for name in ("accuracy", "interval", "worst_speaker", "calibration")},
            "unseen_speakers": sorted(self.facts.unseen_speakers),
            "robustness": None if robustness is None else robustness.area,
            "not_measured": words.not_measured(self.facts),
        }


def require_writable(folder: Path) -> None:
    """Make a folder; raise OSError if no file can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write_report(facts: Facts, folder: Path) -> Report:
    """Write page and model card."""
    report = Report(facts, folder)
    misheard = surest_mistakes(facts)
    sounds = [_sound(facts, clip) for clip in misheard]
    write_text(report.page, page(facts, misheard, sounds))
    write_text(report.card, card(facts))
    return report


def surest_mistakes(facts: Facts) -> list[Misclassified]:
    """Return the clips that were misheard with the highest probability, at most 12."""
    predictions = facts.predictions
    wrong = np.flatnonzero(~predictions.correct)
    wrong = wrong[np.argsort(-predictions.probabilities[wrong].max(1), kind="stable")][:N_SHOWN]
    return [misclassified(predictions, clip, unseen=bool(facts.unseen[clip])) for clip in wrong.tolist()]


def _sound(facts: Facts, clip: Misclassified) -> Sound | None:
    if facts.corpus is None:
        return None
    try:
        return Sound(*read(facts.corpus.root / clip.path))
    except DataError:
        return None
