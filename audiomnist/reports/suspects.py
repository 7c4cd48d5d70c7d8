"""The list of clips whose label looks wrong, and a page to look at them and listen."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.predictions import Predictions
from audiomnist.evaluation.suspects import find_suspects, unseen_voices
from audiomnist.files import atomic_path, safe_cell, write_text
from audiomnist.reports import sentences
from audiomnist.reports.clips import cards, read_sound
from audiomnist.reports.pages import page
from audiomnist.runs.results import Misclassified, Suspects

LIST, PAGE = "suspects.csv", "suspects.html"
CLIPS_SHOWN = 40
_IN_DOCUMENT = 20


@dataclass(frozen=True)
class SuspectList:
    """What a cross validation found.

    Attributes
    ----------
    n_tested : int
        Clips that were judged.
    n_unseen : int
        Those of speakers that the network was not trained on.
    agreement : float
        Share of the clips whose label the network predicts.
    folder : Path
        Of the cross validation.
    """

    suspects: list[Misclassified]
    n_tested: int
    n_unseen: int
    agreement: float
    folder: Path

    @property
    def csv(self) -> Path:
        """All of them, as ``--exclude-file`` takes them."""
        return self.folder / LIST

    @property
    def page(self) -> Path:
        """The first of them, to look at and listen to."""
        return self.folder / PAGE

    @property
    def verdict(self) -> str:
        """How many labels look wrong."""
        return sentences.suspects(len(self.suspects), self.n_tested)

    @property
    def judged_by(self) -> str:
        """What is to be known of the networks that judged."""
        return sentences.judged_by(self.n_unseen, self.n_tested, self.agreement)

    @property
    def document(self) -> Suspects:
        """What the result of the cross validation says of them."""
        return Suspects(
            count=len(self.suspects),
            unseen_voices=self.n_unseen,
            first=tuple(self.suspects[:_IN_DOCUMENT]),
            files={"csv": str(self.csv), "html": str(self.page)},
        )


def list_suspects(corpus: Corpus, splits: Sequence[Split], predictions: Predictions, folder: Path) -> SuspectList:
    """Find the clips whose label looks wrong in a finished cross validation; write list and page.

    Parameters
    ----------
    splits : sequence of Split
        Those of the cross validation, in their order.
    predictions : Predictions
        Out of fold, of all clips.
    folder : Path
        Of the cross validation.

    Raises
    ------
    DataError
        If a clip that is to be shown cannot be read.
    """
    unseen = unseen_voices(corpus, splits)
    suspects = find_suspects(predictions, unseen)
    found = SuspectList(suspects, len(predictions), int(unseen.sum()), float(predictions.correct.mean()), folder)
    with atomic_path(found.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Misclassified.model_fields), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in suspect.plain().items()} for suspect in suspects)
    write_text(found.page, suspects_page(found, corpus))
    return found


def suspects_page(found: SuspectList, corpus: Corpus) -> str:
    """Return the page as HTML."""
    shown, count = found.suspects[:CLIPS_SHOWN], len(found.suspects)
    which = f"The first {len(shown)} of {count:,}" if count > len(shown) else "All of them"
    return page(
        "suspects.html.j2",
        name=corpus.root.resolve().name,
        run_name=found.folder.name,
        n_suspects=count,
        n_unseen=found.n_unseen,
        verdict=found.verdict,
        judged_by=found.judged_by,
        heading=f"{which}, the most suspicious first" if count else "No label looks wrong",
        clips=cards(shown, [read_sound(corpus.root / suspect.path) for suspect in shown]),
    )


def _cell(value: object) -> object:
    return safe_cell(value) if isinstance(value, str) else value
