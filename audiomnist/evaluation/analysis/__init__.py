"""What is in a corpus: measured, summed up, and what follows for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from audiomnist.config import Features
from audiomnist.corpus.measures import window_ms
from audiomnist.corpus.scan import CLASSES, Corpus
from audiomnist.corpus.targets import column
from audiomnist.evaluation.analysis.clips import Measurements, measure_clips
from audiomnist.evaluation.analysis.conclusions import WHOLE_SHARE, Conclusion, Cut, conclude, count_cut
from audiomnist.evaluation.analysis.spectra import Spectra, compute_spectra
from audiomnist.evaluation.analysis.summary import Summary, summarise
from audiomnist.progress import Show, unseen


@dataclass(frozen=True)
class Analysis:
    """What was found out about a corpus.

    Attributes
    ----------
    name : str
        Of the corpus.
    whole_ms : int
        The window that leaves 99 % of the clips whole.
    cuts : mapping of str to Cut
        What the window of each shipped version cuts.
    """

    name: str
    measured: Measurements
    spectra: Spectra
    summary: Summary
    whole_ms: int
    cuts: Mapping[str, Cut]
    conclusions: tuple[Conclusion, ...]

    def as_json(self) -> dict[str, JsonValue]:
        """Return everything for programs."""
        conclusions: JsonValue = {each.topic: {"text": each.text, **each.values} for each in self.conclusions}
        rows = zip(CLASSES, self.spectra.mean_db.round(2), strict=True)
        mean_db = {digit: row.tolist() for digit, row in rows if not np.isnan(row).any()}
        mel: JsonValue = {"band_hz": self.spectra.band_hz.round(1).tolist(), "mean_db": mean_db}
        return {"name": self.name, **self.summary.model_dump(mode="json"), "conclusions": conclusions, "mel": mel}


def analyze(corpus: Corpus, name: str, *, jobs: int | None = None, progress: Show = unseen) -> Analysis:
    """Measure every clip of a corpus, look at some of them in mel bands, and draw conclusions.

    ``name`` is what to call the corpus; ``jobs`` is how many threads decode, one per core by default. Raises DataError
    if no clip can be read, ConfigError if the corpus is a manifest without digits.
    """
    column(corpus, "digit")
    features = Features()
    measured = measure_clips(corpus, jobs=jobs, progress=progress)
    spectra = compute_spectra(measured.corpus, measured.sample_rates, features)
    whole_ms, cuts = window_ms(measured.lengths_ms, WHOLE_SHARE), count_cut(measured)
    conclusions = conclude(measured, features, whole_ms, cuts, spectra.empty_bands)
    return Analysis(name, measured, spectra, summarise(measured), whole_ms, cuts, conclusions)
