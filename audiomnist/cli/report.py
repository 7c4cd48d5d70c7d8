"""``audiomnist report``: all that is known of a run, to look at, to listen to and to hand on."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, message_console, print_json, progress, result_console
from audiomnist.cli.printing import print_report
from audiomnist.errors import AudiomnistError, DataError

if TYPE_CHECKING:
    from audiomnist.config import Config
    from audiomnist.corpus import Corpus
    from audiomnist.reports.report import Report
    from audiomnist.runs.robustness import Robustness


def report(
    run: Annotated[
        Path | None,
        typer.Argument(
            help="Run folder of a training or a cross validation. (default: the newest training)",
            metavar="RUN",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report. (default: RUN)", metavar="DIR")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a page about a run, with mistakes to hear, and a model card."""
    from audiomnist.reports.report import gather, require_writable, write_report
    from audiomnist.runs.folder import RunFolder

    quiet = quiet or json
    folder = RunFolder.open(run) if run else RunFolder.newest()
    found = gather(folder, out)
    require_writable(found.folder)
    corpus = _corpus(found.config, quiet=quiet)
    found = replace(found, corpus=corpus)
    if found.robustness is None and corpus is not None and found.folds is None:
        found = replace(found, robustness=_sweep(found, corpus, quiet=quiet))
    write_report(found)
    if json:
        print_json(found.as_json())
    else:
        print_report(result_console(), found)


def _corpus(config: "Config", *, quiet: bool) -> "Corpus | None":
    """Return the corpus of a run with its further ones, or None if it is no longer there."""
    from audiomnist.experiments.inputs import open_inputs

    try:
        return open_inputs(config, ConsoleProgress(quiet=quiet)).corpus
    except AudiomnistError as error:
        message_console(quiet).print(f"warning: {error.message}; the report comes without sound")
        return None


def _sweep(report: "Report", corpus: "Corpus", *, quiet: bool) -> "Robustness | None":
    """Test the network on distorted clips, or return None if it cannot be done; the report comes all the same."""
    from audiomnist.corpus import labels
    from audiomnist.device import select_device
    from audiomnist.evaluation.robustness import sweep
    from audiomnist.inference.torch_recognizer import TorchRecognizer
    from audiomnist.reports.figures import save_robustness

    try:
        recognizer = TorchRecognizer.load(report.run.require_model(), select_device("auto"))
        model = recognizer.model
        clips = report.run.load_split().split(corpus).test
        truth = labels(corpus, model.config.target, model.classes).of_clips[clips]
        with progress("robustness", "conditions", quiet=quiet) as show:
            swept = sweep(recognizer, corpus, clips, truth, progress=show)
        swept = swept.model_copy(update={"weights": report.run.weights})
    except DataError as error:
        message_console(quiet).print(f"warning: {error.message}; the report comes without robustness")
        return None
    save_robustness(swept, report.folder)
    return swept
