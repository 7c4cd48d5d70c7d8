"""The report of a run: a page to look at and listen to, and a model card to hand on.

The sections of the card are those of Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from markupsafe import Markup

from audiomnist.audio import read
from audiomnist.errors import DataError
from audiomnist.files import write_text
from audiomnist.reports import figures, sentences, tables
from audiomnist.reports.clips import ClipCard, Sound, cards
from audiomnist.reports.facts import Facts
from audiomnist.reports.pages import card, drawing, page
from audiomnist.reports.table import Table
from audiomnist.runs.results import Misclassified

PAGE, CARD = "report.html", "MODEL_CARD.md"
N_SHOWN = 12


@dataclass(frozen=True)
class Report:
    """What page and model card say of a run, beside its result: the templates put it in order.

    Attributes
    ----------
    folder : Path
        Where page and card are.
    """

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

    def as_json(self) -> dict[str, object]:
        """Return plain values: where both are, the main numbers, and what was not measured."""
        facts = self.facts
        return {
            "run": str(facts.run.path),
            "report": str(self.page),
            "model_card": str(self.card),
            **facts.result.model_dump(mode="json", include={"accuracy", "interval", "worst_speaker", "calibration"}),
            "unseen_speakers": sorted(facts.unseen_speakers),
            "robustness": None if facts.robustness is None else facts.robustness.area,
            "not_measured": self.not_measured,
        }

    @cached_property
    def confusion(self) -> Markup:
        """What was predicted for which label."""
        return drawing(figures.confusion_figure(self.facts.result))

    @cached_property
    def reliability(self) -> Markup:
        """How often the network is correct at which confidence."""
        return drawing(figures.reliability_figure(self.facts.calibration))

    @cached_property
    def curves(self) -> Markup | None:
        """Loss and accuracy by epoch."""
        return drawing(figures.loss_figure(self.facts.histories)) if self.facts.histories else None

    @cached_property
    def by_speaker(self) -> Table:
        """The accuracy by speaker, of many speakers those of lowest accuracy."""
        return tables.group("speaker", self.facts.result.groups["speaker"], shown=N_SHOWN)

    @cached_property
    def classes(self) -> Table:
        """How well each class is recognised, of many classes those of lowest recall."""
        return tables.classes(self.facts.result, shown=N_SHOWN)

    @cached_property
    def groups(self) -> list[Table]:
        """The accuracy by what else is known of the clips, and all speakers and classes if there are many."""
        result = self.facts.result
        found = tables.groups(result) + [tables.classes(result)] * (len(result.per_class) > N_SHOWN)
        return [table for table in found if table.columns[0] != "speaker" or len(table.rows) > N_SHOWN]

    @cached_property
    def parts(self) -> Table:
        """Who was trained on and who was tested: by part, or by fold."""
        facts = self.facts
        if facts.folds:
            return tables.folds(facts.folds, facts.networks)
        speaker_of = dict(zip(facts.corpus.paths, facts.corpus.speakers.tolist(), strict=True)) if facts.corpus else {}
        speakers = {part: {speaker_of.get(path) for path in paths} for part, paths in facts.parts.items()}
        n_speakers = {part: None if None in names else len(names) for part, names in speakers.items()}
        return tables.parts({part: len(paths) for part, paths in facts.parts.items()}, n_speakers)

    @cached_property
    def clips(self) -> list[ClipCard]:
        """The misclassified clips of highest confidence, to look at and to hear."""
        predictions = self.facts.predictions
        wrong = np.flatnonzero(~predictions.correct)
        wrong = wrong[np.argsort(-predictions.probabilities[wrong].max(1), kind="stable")][:N_SHOWN]
        shown = [predictions.misclassified(clip, unseen=bool(self.facts.unseen[clip])) for clip in wrong.tolist()]
        return cards(shown, [self._sound(clip) for clip in shown])

    def _sound(self, clip: Misclassified) -> Sound | None:
        corpus = self.facts.corpus
        try:
            return Sound(*read(corpus.root / clip.path)) if corpus else None
        except DataError:
            return None

    @property
    def not_measured(self) -> list[str]:
        """What these numbers leave open."""
        facts, result = self.facts, self.facts.result
        n_unseen = len(facts.unseen_speakers)
        missing = [name for name in ("gender", "age", "accent") if name not in result.groups]
        cases = {
            "New speakers: only known speakers were tested. `--split speaker` tests on unseen ones.": not n_unseen,
            f"Most new speakers: {n_unseen} unseen {'one was' if n_unseen == 1 else 'ones were'} tested.": 0
            < n_unseen
            < sentences.FEW_SPEAKERS,
            "Differences between speakers: the interval is over clips.": result.interval.over != "speakers",
            "A temperature: without validation clips none was fitted (`split.validation_fraction`).": not any(
                network.calibration.fitted_on for network in facts.networks
            ),
            f"Differences by {', '.join(missing)}: not known of these clips, or of too many values.": missing,
            "Other recordings, rooms and microphones: only one corpus was tested.": not facts.evaluations,
            f"Robustness to noise, rooms and microphones: {self.no_robustness}.": facts.robustness is None,
            f"Chance in training: only one seed ({result.seed}) was tried.": True,
            "Sounds that are none of the classes: the network always predicts one of them.": True,
        }
        return [line for line, applies in cases.items() if applies]

    @property
    def no_robustness(self) -> str:
        """Why robustness was not measured."""
        if self.facts.folds:
            return "a cross validation has a network per fold; report one of them, `audiomnist report RUN/fold-0`"
        return "the corpus is no longer there" if self.facts.corpus is None else "clips or network could not be read"

    @property
    def robustness(self) -> str:
        """How accuracy holds on distorted clips, or why that is not known."""
        of = self.facts.robustness
        return f"Not measured: {self.no_robustness}." if of is None else sentences.robustness(of)


def require_writable(folder: Path) -> None:
    """Make a folder; raise OSError if no file can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write_report(facts: Facts, folder: Path) -> Report:
    """Write page and model card."""
    report = Report(facts, folder)
    values: dict[str, object] = {
        "report": report,
        "facts": facts,
        "result": facts.result,
        "config": facts.config,
        "sentences": sentences,
        "tables": tables,
    }
    write_text(report.page, page("report.html.j2", **values))
    write_text(report.card, card("card.md.j2", **values))
    return report
