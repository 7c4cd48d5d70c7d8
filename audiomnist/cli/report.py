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
    from audiomnist.reports.facts import Facts
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
    from audiomnist.reports.facts import gather
    from audiomnist.reports.report import require_writable, write_report
    from audiomnist.runs.folder import RunFolder

    quiet = quiet or json
    folder = RunFolder.open(run) if run else RunFolder.newest()
    config = gather(folder).config
    destination = out or folder.path
    require_writable(destination)
    corpus = _corpus(config, quiet=quiet)
    facts = gather(folder, corpus)
    if facts.robustness is None and corpus is not None and facts.folds is None:
        facts = replace(facts, robustness=_sweep(facts, corpus, destination, quiet=quiet))
    written = write_report(facts, destination)
    if json:
        print_json(written.as_json())
    else:
        print_report(result_console(), written)


def _corpus(config: "Config", *, quiet: bool) -> "Corpus | None":
    """Return the corpus of a run with its further ones, or None if it is no longer there."""
    from audiomnist.experiments.inputs import open_inputs

    try:
        return open_inputs(config, ConsoleProgress(quiet=quiet)).corpus
    except AudiomnistError as error:
        message_console(quiet).print(f"warning: {error.message}; the report comes without sound")
        return None


def _sweep(facts: "Facts", corpus: "Corpus", folder: Path, *, quiet: bool) -> "Robustness | None":
    """Test the network on distorted clips, or return None if it cannot be done; the report comes all the same."""
    from audiomnist.corpus import labels
    from audiomnist.device import select_device
    from audiomnist.evaluation.robustness import sweep
    from audiomnist.inference.torch_recognizer import TorchRecognizer
    from audiomnist.reports.figures import save_robustness

    try:
        recognizer = TorchRecognizer.load(facts.run.require_model(), select_device("auto"))
        model = recognizer.model
        clips = facts.run.load_split().split(corpus).test
        truth = labels(corpus, model.config.target, model.classes).of_clips[clips]
        with progress("robustness", "conditions", quiet=quiet) as show:
            swept = sweep(recognizer, corpus, clips, truth, progress=show)
        swept = swept.model_copy(update={"weights": facts.run.weights})
    except DataError as error:
        message_console(quiet).print(f"warning: {error.message}; the report comes without robustness")
        return None
    save_robustness(swept, folder)
    return swept
