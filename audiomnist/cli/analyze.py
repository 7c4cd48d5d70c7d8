"""``audiomnist analyze``: see what is in a corpus before training on it."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, message_console, print_json, progress, result_console
from audiomnist.files import home


def analyze(
    data: options.Data = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report. (default: analysis/<corpus>)", metavar="DIR")
    ] = None,
    exclude_file: options.ExcludeFile = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    jobs: options.Jobs = None,
) -> None:
    """Report on the clips of a corpus: lengths, levels, noise, spectra."""
    from audiomnist.cli.printing import print_analysis
    from audiomnist.corpus.places import short_name
    from audiomnist.evaluation.analysis import analyze as measure
    from audiomnist.experiments.inputs import open_corpus
    from audiomnist.experiments.settings import resolve
    from audiomnist.reports.analysis import write_analysis

    place = resolve(data=data).data
    corpus = open_corpus(place, ConsoleProgress(quiet=quiet or json), exclude_file=exclude_file)
    name = short_name(place)
    folder = out or home() / "analysis" / name
    with progress("analyze", "clips", quiet=quiet or json) as show:
        analysis = measure(corpus, name, jobs=jobs, progress=show)
    message_console(quiet or json).print("drawing figures")
    page = write_analysis(analysis, folder)
    if json:
        print_json({"data": place, "out": folder, "report": page, **analysis.as_json()})
        return
    print_analysis(result_console(), analysis, page)
