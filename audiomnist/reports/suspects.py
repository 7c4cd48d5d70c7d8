"""The list of clips whose label looks wrong, and a page to look at them and listen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiomnist.audio import read
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.predictions import Predictions
from audiomnist.evaluation.suspects import find_suspects, unseen_voices
from audiomnist.files import write_csv, write_text
from audiomnist.reports import sentences
from audiomnist.reports.clips import Sound
from audiomnist.reports.pages import page
from audiomnist.runs.results import Misclassified, Suspects

LIST, PAGE = "suspects.csv", "suspects.html"
CLIPS_SHOWN = 40
_IN_DOCUMENT = 20


def list_suspects(corpus: Corpus, splits: Sequence[Split], predictions: Predictions, folder: Path) -> Suspects:
    """Find the clips whose label looks wrong in a finished cross validation; write list and page into its folder.

    The predictions are out of fold, of all clips, in the order of the splits. Raises DataError if a clip that is to be
    shown cannot be read.
    """
    unseen = unseen_voices(corpus, splits)
    suspects, n_unseen = find_suspects(predictions, unseen), int(unseen.sum())
    write_csv(folder / LIST, Misclassified.model_fields, (suspect.plain().values() for suspect in suspects))
    html = page(
        "suspects.html.j2",
        name=corpus.root.resolve().name,
        run=folder.name,
        n_suspects=len(suspects),
        n_tested=len(predictions),
        n_unseen=n_unseen,
        accuracy=float(predictions.correct.mean()),
        shown=[(suspect, Sound(*read(corpus.root / suspect.path))) for suspect in suspects[:CLIPS_SHOWN]],
        sentences=sentences,
    )
    write_text(folder / PAGE, html)
    return Suspects(
        count=len(suspects),
        unseen_voices=n_unseen,
        first=tuple(suspects[:_IN_DOCUMENT]),
        files={"csv": str(folder / LIST), "html": str(folder / PAGE)},
    )
