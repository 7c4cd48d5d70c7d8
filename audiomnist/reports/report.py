"""The report of a run: a page with figures and sound, and a model card.

The sections of the card are those of Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import read
from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Part
from audiomnist.errors import DataError
from audiomnist.evaluation.calibration import calibration
from audiomnist.evaluation.predictions import Predictions
from audiomnist.files import write_text
from audiomnist.reports import figures, sentences, tables
from audiomnist.reports.clips import Sound
from audiomnist.reports.pages import card, page
from audiomnist.reports.table import Table
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import CrossValidation, EpochRecord, Misclassified, Result
from audiomnist.runs.robustness import Robustness
from audiomnist.runs.scores import Calibration

PAGE, CARD = "report.html", "MODEL_CARD.md"
N_SHOWN = 12


@dataclass(frozen=True)
class Report:
    """A finished run, read once, and what page and model card say of it beside its result.

    Attributes
    ----------
    folder : Path
        Where page and card are.
    result : Result or CrossValidation
        As ``metrics.json`` holds it.
    networks : tuple of Result
        The result of each network that was trained: one, or one per fold.
    predictions : Predictions
        Of the test clips; of a cross validation those of all folds.
    unseen : bool array [n_clips]
        Whether the network that was tested was not trained on the clip's speaker.
    histories : tuple
        The epochs of each network.
    split : mapping of str to tuple of str
        The clips of each part; empty for a cross validation.
    evaluations : mapping of str to Result
        Results on other corpora, by name.
    corpus : Corpus, optional
        What it was trained and tested on; None if it is no longer there.
    robustness : Robustness, optional
        None if it was not measured.
    """

    run: RunFolder
    folder: Path
    config: Config
    result: Result | CrossValidation
    networks: tuple[Result, ...]
    predictions: Predictions
    unseen: NDArray[np.bool_]
    histories: tuple[list[EpochRecord], ...]
    split: Mapping[Part, tuple[str, ...]]
    evaluations: Mapping[str, Result]
    robustness: Robustness | None
    corpus: Corpus | None = None

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
        return {
            "run": str(self.run.path),
            "report": str(self.page),
            "model_card": str(self.card),
            **self.result.model_dump(mode="json", include={"accuracy", "interval", "worst_speaker", "calibration"}),
            "unseen_speakers": sorted(self.unseen_speakers),
            "robustness": None if self.robustness is None else self.robustness.area,
            "not_measured": self.not_measured,
        }

    @property
    def calibration(self) -> Calibration:
        """With its bins, which the result of an earlier version lacks."""
        return calibration(self.predictions)

    @property
    def speakers(self) -> set[str]:
        """Who was tested."""
        return set(self.predictions.speakers.tolist())

    @property
    def unseen_speakers(self) -> set[str]:
        """Who of them was not trained on."""
        return set(self.predictions.speakers[self.unseen].tolist())

    @property
    def date(self) -> datetime:
        """When the result was written."""
        return datetime.fromtimestamp(self.run.metrics.stat().st_mtime)

    @property
    def fingerprint(self) -> str:
        """That of the corpus as it was trained on."""
        return str(self.networks[0].corpus_fingerprint)

    @property
    def folds(self) -> CrossValidation | None:
        """The result, if it is that of a cross validation."""
        return self.result if isinstance(self.result, CrossValidation) else None

    @property
    def corpus_state(self) -> str:
        """Whether the corpus is still what it was, in a sentence; nothing if it is."""
        if self.corpus is None:
            return "The corpus is no longer there, so no clip can be shown."
        is_same = self.corpus.fingerprint == self.fingerprint
        return "" if is_same else "Files of the corpus have changed since, by size, time or label."

    @property
    def groups(self) -> list[Table]:
        """The accuracy by what else is known of the clips, and all speakers and classes if there are many."""
        found = tables.groups(self.result) + [tables.classes(self.result)] * (len(self.result.per_class) > N_SHOWN)
        return [table for table in found if table.columns[0] != "speaker" or len(table.rows) > N_SHOWN]

    @property
    def parts(self) -> Table:
        """Who was trained on and who was tested: by part, or by fold."""
        if self.folds:
            return tables.folds(self.folds, self.networks)
        speaker_of = dict(zip(self.corpus.paths, self.corpus.speakers.tolist(), strict=True)) if self.corpus else {}
        return tables.parts(self.split, speaker_of)

    @property
    def clips(self) -> list[tuple[Misclassified, Sound | None]]:
        """The misclassified clips of highest confidence, to look at and to hear if they are still there."""
        wrong = self.predictions.mistakes[:N_SHOWN].tolist()
        shown = [self.predictions.misclassified(clip, unseen=bool(self.unseen[clip])) for clip in wrong]
        return [(clip, self._sound(clip)) for clip in shown]

    def _sound(self, clip: Misclassified) -> Sound | None:
        try:
            return Sound(*read(self.corpus.root / clip.path)) if self.corpus else None
        except DataError:
            return None

    @property
    def not_measured(self) -> list[str]:
        """What these numbers leave open."""
        result, n_unseen, can_refuse = self.result, len(self.unseen_speakers), bool(self.config.no_digit.data)
        missing = [name for name in ("gender", "age", "accent") if name not in result.groups]
        cases = {
            "New speakers: only known speakers were tested. `--split speaker` tests on unseen ones.": not n_unseen,
            f"Most new speakers: {n_unseen} unseen {'one was' if n_unseen == 1 else 'ones were'} tested.": 0
            < n_unseen
            < sentences.FEW_SPEAKERS,
            "Differences between speakers: the interval is over clips.": result.interval.over != "speakers",
            "A temperature: without validation clips none was fitted (`split.validation_fraction`).": not any(
                network.calibration.fitted_on for network in self.networks
            ),
            f"Differences by {', '.join(missing)}: not known of these clips, or of too many values.": missing,
            "Other recordings, rooms and microphones: only one corpus was tested.": not self.evaluations,
            f"Robustness to noise, rooms and microphones: {self.no_robustness}.": self.robustness is None,
            f"Chance in training: only one seed ({result.seed}) was tried.": True,
            "Sounds that are none of the classes: the network always predicts one of them.": not can_refuse,
            "Sounds that are none of the classes: how many of them are taken for one.": can_refuse,
        }
        return [line for line, applies in cases.items() if applies]

    @property
    def no_robustness(self) -> str:
        """Why robustness was not measured."""
        if self.folds:
            return "a cross validation has a network per fold; report one of them, `audiomnist report RUN/fold-0`"
        return "the corpus is no longer there" if self.corpus is None else "clips or network could not be read"

    @property
    def robust(self) -> str:
        """How accuracy holds on distorted clips, or why that is not known."""
        of = self.robustness
        return f"Not measured: {self.no_robustness}." if of is None else sentences.robustness(of)


def gather(run: RunFolder, folder: Path | None = None) -> Report:
    """Read a finished run, a training or a cross validation, all but its corpus; page and card go into it by default.

    Raises DataError if the run has no result, or a file in it is damaged.
    """
    result = run.load_result()
    networks = run.folds if run.is_cross_validation else [run]
    splits = [network.load_split() for network in networks]
    predictions = Predictions.of_result(run, result)
    unseen = {row.path: row.voice == "unseen" for split in splits for row in split.rows if row.part == "test"}
    missing = [path for path in predictions.paths if path not in unseen]
    if missing:
        raise DataError(f"{run.predictions}: {missing[0]} is not a test clip of this run", "restore the file")
    return Report(
        run=run,
        folder=folder or run.path,
        config=run.load_config(),
        result=result,
        networks=tuple(network.result() for network in networks),
        predictions=predictions,
        unseen=np.array([unseen[path] for path in predictions.paths], dtype=np.bool_),
        histories=tuple(history for network in networks if (history := network.load_history())),
        split={} if run.is_cross_validation else splits[0].parts,
        evaluations={one.path.name: result for one in run.evaluations() if not (result := one.result()).own_test},
        robustness=None if run.is_cross_validation else run.load_robustness(),
    )


def require_writable(folder: Path) -> None:
    """Make a folder; raise OSError if no file can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write_report(report: Report) -> Report:
    """Write page and model card."""
    values: dict[str, object] = {
        "report": report,
        "result": report.result,
        "config": report.config,
        "sentences": sentences,
        "tables": tables,
        "figures": figures,
        "n_shown": N_SHOWN,
    }
    write_text(report.page, page("report.html.j2", **values))
    write_text(report.card, card("card.md.j2", **values))
    return report
