"""``audiomnist report``: all that is known of a run, to look at, to listen to and to hand on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from audiomnist.cli import options
from audiomnist.cli.output import chatter_console, print_json, result_console
from audiomnist.cli.session import open_corpora, open_run
from audiomnist.errors import AudiomnistError

if TYPE_CHECKING:
    from audiomnist.config import Config
    from audiomnist.corpus import Corpus
    from audiomnist.evaluation.report import Report


def report(
    run: Annotated[
        Path | None,
        typer.Argument(
            help="Run folder, of a training or a cross validation. (default: the newest training)",
            show_default=False,
            metavar="RUN",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report. (default: RUN)", show_default=False, metavar="DIR"),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one page with all that is known of a run, mistakes to hear included, and a model card."""
    from audiomnist.evaluation.report import gather, require_writable, write_report

    quiet = quiet or json
    folder = open_run(run)
    facts = gather(folder)
    destination = out or folder.path
    require_writable(destination)
    corpus = _corpus(facts.config, quiet=quiet)
    written = write_report(gather(folder, corpus), destination)
    if json:
        print_json(written.as_json())
    else:
        _print(written)


def _corpus(config: "Config", *, quiet: bool) -> "Corpus | None":
    """Return the corpus of a run with its further one, or None if it is no longer there."""
    try:
        return open_corpora(config, quiet=quiet)[1]
    except AudiomnistError as error:
        chatter_console(quiet).print(f"warning: {error.message}; the report comes without sound")
        return None


def _print(written: "Report") -> None:
    from audiomnist.evaluation.report import words

    console, facts = result_console(), written.facts
    accuracy = facts.metrics["interval"]
    console.print(Text.assemble((f"accuracy {accuracy['accuracy']:.2%}", "bold"), f" of {accuracy['n']:,} test clips"))
    for line in (words.trust(accuracy), words.voices(facts), words.worst(facts), words.robustness(facts)):
        console.print(line)
    console.print(f"report: {written.page}\nmodel card: {written.card}")
