"""``audiomnist evaluate``: test a trained recogniser."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, error_document, print_json, result_console
from audiomnist.errors import ThresholdError, UsageError


def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(help="Run folder, model file, or digits. (default: the newest finished run)", metavar="MODEL"),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Another corpus, all of it; can be repeated. (default: the run's own test clips)",
            metavar="PLACE",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Test only the test part of --data under this scheme.", metavar="SCHEME")
    ] = None,
    exclude_file: options.ExcludeFile = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Exit with 5 if the accuracy is lower; with several corpora, their mean.",
            metavar="ACCURACY",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the result. (default: in RUN/evaluations)", metavar="DIR")
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also test on clips with noise, reverberation, clipping and more.")
    ] = False,
    device: options.Device = "auto",
    strict: options.Strict = False,
    details: options.Details = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test a recogniser, on its own test clips or on another corpus."""
    from audiomnist.cli.printing import print_evaluations, print_result
    from audiomnist.experiments.evaluate import evaluate as test
    from audiomnist.runs.results import Evaluations

    places: list[str | None] = [*data] if data else [None]
    if len(places) > 1 and (exclude_file or out):
        raise UsageError("--exclude-file and --out are for one corpus", "give --data once")
    progress = ConsoleProgress(quiet=quiet or json)
    evaluations = [
        test(
            model,
            place,
            split=split,
            exclude_file=exclude_file,
            out=out,
            robustness=robustness,
            strict=strict,
            device=device,
            progress=progress,
        )
        for place in places
    ]
    first, *others = evaluations
    every = Evaluations(corpora=tuple(one.result for one in evaluations))
    failure = None
    if min_accuracy is not None and every.accuracy_mean < min_accuracy:
        failure = ThresholdError(
            f"accuracy {every.accuracy_mean:.3f} is below {min_accuracy}",
            f"see {first.folder.figures / 'confusion.png'}",
        )
    if json:
        document = every.plain() | {"corpora": [one.plain() for one in evaluations]} if others else first.plain()
        print_json(document | (error_document(failure) if failure else {}))
        raise typer.Exit(failure.exit_code if failure else 0)
    if others:
        print_evaluations(result_console(), every)
    else:
        print_result(result_console(), first.result, first.folder.path, robustness=first.robustness, details=details)
    if failure:
        raise failure
