"""A page about a run and a model card, with what they need beside the run: its corpus, and a sweep of distortions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.device import select_device
from audiomnist.errors import AudiomnistError, DataError
from audiomnist.evaluation.robustness.sweep import sweep
from audiomnist.experiments.inputs import open_inputs
from audiomnist.experiments.progress import Progress
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import robustness_figure
from audiomnist.reports.report import Report, gather, require_writable, write_report
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.robustness import Robustness


def report(run: Path | None = None, out: Path | None = None, *, progress: Progress | None = None) -> Report:
    """Write a page about a run, the newest training by default, with mistakes to hear, and a model card.

    Both go into the folder ``out``, the run's own by default. Raises DataError if the run has no result, or a file in
    it is damaged.
    """
    progress = progress or Progress()
    found = gather(RunFolder.open(run) if run else RunFolder.newest(), out)
    require_writable(found.folder)
    corpus = _corpus(found.config, progress)
    found = replace(found, corpus=corpus)
    if found.robustness is None and corpus is not None and found.folds is None:
        found = replace(found, robustness=_sweep(found, corpus, progress))
    return write_report(found)


def _corpus(config: Config, progress: Progress) -> Corpus | None:
    """Return the corpus of a run with its further ones, or None if it is no longer there."""
    try:
        return open_inputs(config, progress).corpus
    except AudiomnistError as error:
        progress.say(f"warning: {error.message}; the report will have no sound")
        return None


def _sweep(of: Report, corpus: Corpus, progress: Progress) -> Robustness | None:
    """Test the network on distorted clips, or return None if it cannot be done; the report comes all the same."""
    try:
        recognizer = TorchRecognizer.load(of.run.require_model(), select_device("auto"))
        clips = of.run.load_split().split(corpus).test
        with progress.counting("robustness", "conditions") as show:
            swept = sweep(recognizer, corpus, clips, weights=of.run.weights, progress=show)
    except DataError as error:
        progress.say(f"warning: {error.message}; the report will have no robustness")
        return None
    save_figure(robustness_figure(swept), of.folder / "figures" / "robustness.png")
    swept.save(of.folder / "robustness.json")
    return swept
