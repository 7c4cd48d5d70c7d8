"""The list of clips whose label looks wrong, and a page to look at them and listen."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from audiomnist.audio import read
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.predictions import Predictions
from audiomnist.evaluation.suspects import find_suspects, unseen_voices
from audiomnist.files import atomic_path, write_text
from audiomnist.reports.clip_cards import STYLE, Sound, cards
from audiomnist.reports.html import facts, frame
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import Misclassified

LIST, PAGE = "suspects.csv", "suspects.html"
CLIPS_SHOWN = 40
_IN_DOCUMENT = 20
_RULE = (
    "Each of these clips is heard as something else, and looks no more like its label than clips of other labels do. "
    "The label may be wrong, or the recording: cut off, too quiet, noisy. Mistakes made with most of a speaker's clips "
    "of a label are left out: they are about the voice."
)


@dataclass(frozen=True)
class SuspectList:
    """What a cross validation found.

    Attributes
    ----------
    n_tested : int
        Clips that were judged.
    n_unseen : int
        Those of voices that the network had never heard.
    accuracy : float
        Part of the clips whose label the network says as well.
    """

    suspects: list[Misclassified]
    n_tested: int
    n_unseen: int
    accuracy: float
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
    def judged_by(self) -> str:
        """What is to be known of the networks that judged."""
        if not self.n_unseen:
            return (
                "Known voices: every clip was judged by a network that was not trained on it, but on other clips of "
                "its speaker. A label that such a network rules out is seldom right."
            )
        some = "every clip" if self.n_unseen == self.n_tested else f"{self.n_unseen:,} of {self.n_tested:,} clips"
        return (
            f"Unseen voices: a network that never heard the speaker judged {some}. It takes one word for another more "
            f"often, and so suspects right labels more often; here it agrees with {self.accuracy:.1%} of the labels. "
            "Listen before you leave clips out. Folds at random suspect fewer."
        )

    def as_json(self) -> dict[str, Any]:
        """Return plain values: how many, the first of them, and where the rest is."""
        return {
            "count": len(self.suspects),
            "unseen_voices": self.n_unseen,
            "first": [suspect.plain() for suspect in self.suspects[:_IN_DOCUMENT]],
            "files": {"csv": str(self.csv), "html": str(self.page)},
        }


def list_suspects(corpus: Corpus, splits: Sequence[Split], run: RunFolder) -> SuspectList:
    """Find the clips whose label looks wrong in a finished cross validation; write list and page, add to the result.

    Parameters
    ----------
    splits : sequence of Split
        Those of the cross validation, in their order.

    Raises
    ------
    DataError
        If a clip that is to be shown cannot be read.
    """
    predictions = Predictions.load(run.predictions)
    unseen = unseen_voices(corpus, splits)
    found = SuspectList(
        suspects=find_suspects(predictions, unseen),
        n_tested=len(predictions),
        n_unseen=int(unseen.sum()),
        accuracy=float(predictions.correct.mean()),
        folder=run.path,
    )
    with atomic_path(found.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Misclassified.model_fields), lineterminator="\n")
        writer.writeheader()
        writer.writerows(suspect.plain() for suspect in found.suspects)
    write_text(found.page, page(found, corpus))
    write_text(run.metrics, json.dumps(run.load_metrics() | {"suspects": found.as_json()}, indent=1) + "\n")
    return found


def page(found: SuspectList, corpus: Corpus) -> str:
    """Return the page as HTML."""
    shown = found.suspects[:CLIPS_SHOWN]
    sounds = [Sound(*read(corpus.root / suspect.path)) for suspect in shown]
    name, count = corpus.root.resolve().name, len(found.suspects)
    figures = {
        "clips judged": f"{found.n_tested:,}",
        "labels look wrong": f"{count:,}",
        "of all clips": f"{count / found.n_tested:.1%}",
        "heard as labelled": f"{found.accuracy:.1%}",
    }
    which = f"The first {len(shown)} of {count:,}" if count > len(shown) else "All of them"
    heading = f"{which}, the surest first" if count else "No label looks wrong"
    body = [
        f"<h1>{escape(name)}: labels that look wrong</h1>",
        f'<p class="soft">{escape(_RULE)}</p>',
        facts(figures),
        f'<div class="findings"><div class="card{" matters" if found.n_unseen else ""}">{escape(found.judged_by)}'
        "</div></div>",
        f"<h2>{heading}</h2>",
        cards(shown, sounds),
    ]
    return frame(f"{name}: labels that look wrong", body, files=LIST, style=STYLE)
