"""``audiomnist train``: train a recogniser and test it."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist import distributed
from audiomnist.cli import options
from audiomnist.cli.output import EpochLines, chatter_console, print_json, result_console
from audiomnist.cli.printing import print_result
from audiomnist.cli.session import open_prepared, stopped, warn_of_cuts, with_lasting_places
from audiomnist.errors import DataError, command


def train(
    version: options.Version = None,
    config: options.ConfigFile = None,
    set_: options.Changes = None,
    data: options.Data = None,
    extra_data: options.ExtraData = None,
    no_digit_data: options.NoDigitData = None,
    exclude_file: options.ExcludeFile = None,
    split: options.SplitScheme = None,
    target: options.Target = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    run: Annotated[
        Path | None,
        typer.Option(
            help="New folder for the run. (default: runs/<time>-<version>)", show_default=False, metavar="DIR"
        ),
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with a stopped run.", metavar="RUN")] = None,
    details: options.Details = False,
    strict: options.Strict = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a recogniser on one part of a corpus and test it on the rest."""
    from audiomnist.corpus import labels
    from audiomnist.corpus import split as draw_split
    from audiomnist.device import seed_everything, select_device
    from audiomnist.evaluation.leaks import check
    from audiomnist.experiments.experiment import run_experiment
    from audiomnist.runs.folder import RunFolder

    quiet = quiet or json
    if resume is not None:
        options.refuse_with_resume(
            **{"extra-data": extra_data, "no-digit-data": no_digit_data, "exclude-file": exclude_file},
            version=version,
            config=config,
            set=set_,
            data=data,
            split=split,
            target=target,
            seed=seed,
            run=run,
        )
        folder = RunFolder.open(resume)
        if folder.is_cross_validation:
            raise DataError(f"{resume} is a cross validation", f"go on: {command('audiomnist kfold --resume', resume)}")
        settings = folder.load_config()
    else:
        settings = options.resolve(
            version,
            config,
            set_,
            data=data,
            extra_data=extra_data,
            no_digit_data=no_digit_data,
            exclude_file=exclude_file,
            seed=seed,
            target=target,
            scheme=split,
        )
    chosen_device = select_device(device)
    seed_everything(settings.seed)
    own, corpus, store = open_prepared(settings, quiet=quiet, strict=strict)
    if resume is not None:
        parts = folder.load_split(corpus)
    else:
        known = labels(own, settings.target).of_clips
        parts = draw_split(own, settings.split, settings.seed, known).with_extra(len(own), len(corpus))
    check(settings, corpus, store, parts)
    if resume is None:
        warn_of_cuts(store, settings, quiet=quiet)
        settings = with_lasting_places(settings)
        folder = distributed.by_first(lambda: RunFolder.create("train", settings.version, run))
    chatter_console(quiet).print(
        f"run: {folder.path} on {chosen_device}, {len(parts.train):,} clips to train, {len(parts.test):,} to test"
    )
    try:
        with distributed.ends_told(), EpochLines(settings.optim.epochs, quiet=quiet) as lines:
            result = run_experiment(settings, corpus, store, parts, folder, chosen_device, [lines])
    except (KeyboardInterrupt, distributed.JobEnded) as stop:
        reached = len(folder.load_history())
        raise stopped(
            stop,
            f"stopped after epoch {reached} of {settings.optim.epochs}; that much is saved in {folder.path}",
            f"go on: {command('audiomnist train --resume', folder.path)}",
        ) from None
    if json:
        print_json(result.plain())
    else:
        print_result(result_console(), result, folder.path, details=details)
