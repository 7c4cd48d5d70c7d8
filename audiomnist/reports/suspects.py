"""The list of clips whose label looks wrong, and a page to look at them and listen."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from audiomnist.audio import read
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.predictions import Predictions
from audiomnist.evaluation.suspects import find_suspects, unseen_voices
from audiomnist.files import atomic_path, safe_cell, write_text
from audiomnist.reports import sentences
from audiomnist.reports.clips import Sound, cards
from audiomnist.reports.pages import page
from audiomnist.runs.results import Misclassified, Suspects

LIST, PAGE = "suspects.csv", "suspects.html"
CLIPS_SHOWN = 40
_IN_DOCUMENT = 20


def list_suspects(corpus: Corpus, splits: Sequence[Split], predictions: Predictions, folder: Path) -> Suspects:
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
    suspects, n_unseen = find_suspects(predictions, unseen), int(unseen.sum())
    with atomic_path(folder / LIST) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Misclassified.model_fields), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in suspect.plain().items()} for suspect in suspects)
    judged_by = sentences.judged_by(n_unseen, len(predictions), float(predictions.correct.mean()))
    html = suspects_page(suspects, corpus, folder.name, len(predictions), judged_by, warn=n_unseen > 0)
    write_text(folder / PAGE, html)
    return Suspects(
        count=len(suspects),
        unseen_voices=n_unseen,
        first=tuple(suspects[:_IN_DOCUMENT]),
        files={"csv": str(folder / LIST), "html": str(folder / PAGE)},
    )


def suspects_page(
    suspects: Sequence[Misclassified], corpus: Corpus, run_name: str, n_tested: int, judged_by: str, *, warn: bool
) -> str:
    """Return the page as HTML; ``warn`` makes of who judged the labels a warning."""
    shown, count = suspects[:CLIPS_SHOWN], len(suspects)
    which = f"The first {len(shown)} of {count:,}" if count > len(shown) else "All of them"
    return page(
        "suspects.html.j2",
        name=corpus.root.resolve().name,
        run_name=run_name,
        n_suspects=count,
        verdict=sentences.suspects(count, n_tested),
        judged_by=judged_by,
        warn=warn,
        heading=f"{which}, the most suspicious first" if count else "No label looks wrong",
        clips=cards(shown, [Sound(*read(corpus.root / suspect.path)) for suspect in shown]),
    )


def _cell(value: object) -> object:
    return safe_cell(value) if isinstance(value, str) else value
