"""``audiomnist train``: train a recogniser and test it."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, print_json, result_console


def train(
    version: options.Version = None,
    config: options.ConfigFile = None,
    set_: options.Changes = None,
    data: options.Data = None,
    extra_data: options.ExtraData = None,
    no_digit_data: options.NoDigitData = None,
    from_: options.From = None,
    exclude_file: options.ExcludeFile = None,
    split: options.SplitScheme = None,
    target: options.Target = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    run: Annotated[
        Path | None, typer.Option(help="New folder for the run. (default: runs/<time>-<version>)", metavar="DIR")
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(help="Repeat a run with its settings, clips and seed, and say what differs.", metavar="RUN"),
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Resume a stopped run.", metavar="RUN")] = None,
    strict: options.Strict = False,
    details: options.Details = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a recogniser on part of a corpus and test it on the rest."""
    from audiomnist.cli.printing import print_repetition, print_result
    from audiomnist.experiments.environment import Repetition
    from audiomnist.experiments.train import train as train_and_test

    result = train_and_test(
        version,
        config=config,
        settings=set_,
        data=data,
        extra_data=extra_data,
        no_digit_data=no_digit_data,
        start=from_,
        exclude_file=exclude_file,
        scheme=split,
        target=target,
        seed=seed,
        device=device,
        run=run,
        resume=resume,
        like=like,
        strict=strict,
        progress=ConsoleProgress(quiet=quiet or json),
    )
    run = Path(result.run)
    repetition = Repetition.of(like, run) if like else None
    if json:
        print_json(result.plain() | ({"like": repetition.plain()} if repetition else {}))
        return
    print_result(result_console(), result, run, details=details)
    if repetition:
        print_repetition(result_console(), repetition)
