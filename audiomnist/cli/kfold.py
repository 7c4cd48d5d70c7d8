"""``audiomnist kfold``: cross validation."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist import distributed
from audiomnist.cli import options
from audiomnist.cli.output import EpochLines, chatter_console, print_json, result_console
from audiomnist.cli.printing import print_cross_validation
from audiomnist.cli.session import open_prepared, stopped, warn_of_cuts, with_lasting_places
from audiomnist.errors import DataError, UsageError, command


def kfold(
    folds: Annotated[int | None, typer.Option(min=2, help="Parts. (default: 5)", show_default=False)] = None,
    group: Annotated[
        str | None,
        typer.Option(help="speaker: the same as --scheme speaker.", show_default=False, metavar="speaker"),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme",
            "--split",
            help="random, speaker (no voice is both trained on and tested), becker, becker-gender or column:NAME. "
            "(default: random)",
            show_default=False,
            metavar="SCHEME",
        ),
    ] = None,
    target: options.Target = None,
    version: options.Version = None,
    config: options.ConfigFile = None,
    set_: options.Changes = None,
    data: options.Data = None,
    extra_data: options.ExtraData = None,
    no_digit_data: options.NoDigitData = None,
    exclude_file: options.ExcludeFile = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    run: Annotated[
        Path | None,
        typer.Option(
            help="New folder for the folds. (default: runs/<time>-kfold-<version>)",
            show_default=False,
            metavar="DIR",
        ),
    ] = None,
    suspects: Annotated[
        bool, typer.Option("--suspects", help="List the clips whose label looks wrong, with a page to hear them.")
    ] = False,
    resume: Annotated[Path | None, typer.Option(help="Go on; finished folds are kept.", metavar="RUN")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Folds at a time, a thread each; one left over has all.")] = 1,
    details: options.Details = False,
    strict: options.Strict = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train and test once per fold, so that every clip is tested by a network that never saw it."""
    from audiomnist.corpus import folds as draw_folds
    from audiomnist.corpus import labels
    from audiomnist.device import seed_everything, select_device
    from audiomnist.evaluation.leaks import check
    from audiomnist.evaluation.predictions import Predictions
    from audiomnist.experiments.crossval import cross_validate
    from audiomnist.reports.suspects import list_suspects
    from audiomnist.runs.folder import RunFolder

    quiet = quiet or json
    if group not in {None, "speaker"}:
        raise UsageError(f"--group {group}: clips can be kept together by speaker only", "use --group speaker")
    if group is not None and scheme not in {None, "speaker"}:
        raise UsageError(f"--group speaker and --scheme {scheme} contradict each other", "give one of them")
    if jobs > 1 and distributed.size() > 1:
        raise UsageError("--jobs and torchrun both train folds side by side", "use one of them")
    if resume is not None:
        options.refuse_with_resume(
            **{"extra-data": extra_data, "no-digit-data": no_digit_data, "exclude-file": exclude_file},
            version=version,
            config=config,
            set=set_,
            data=data,
            seed=seed,
            run=run,
            folds=folds,
            group=group,
            scheme=scheme,
            target=target,
        )
        folder = RunFolder.open(resume)
        if not folder.is_cross_validation:
            raise DataError(f"{resume} is a training run", f"go on: {command('audiomnist train --resume', resume)}")
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
            scheme=scheme or group,
            folds=folds,
        )
    chosen_device = select_device(device)
    seed_everything(settings.seed)
    own, corpus, store = open_prepared(settings, quiet=quiet, strict=strict)
    drawn = draw_folds(own, settings.split, settings.seed, labels(own, settings.target).of_clips)
    splits = [split.with_extra(len(own), len(corpus)) for split in drawn]
    for split in splits:
        check(settings, corpus, store, split)
    warn_of_cuts(store, settings, quiet=quiet)
    if resume is None:
        settings = with_lasting_places(settings)
        folder = distributed.by_first(lambda: RunFolder.create("kfold", f"kfold-{settings.version}", run))
        if distributed.rank() == 0:
            settings.save(folder.config)
    chatter_console(quiet).print(f"run: {folder.path} on {chosen_device}, {len(splits)} folds")
    try:
        with distributed.ends_told(), EpochLines(len(splits) * settings.optim.epochs, quiet=quiet) as lines:
            report = lines.fold_epoch_ended
            result = cross_validate(settings, corpus, store, splits, folder, chosen_device, jobs=jobs, report=report)
    except (KeyboardInterrupt, distributed.JobEnded) as stop:
        finished = len(list(folder.path.glob("fold-*/metrics.json")))
        raise stopped(
            stop,
            f"stopped after {finished} of {len(splits)} folds; they are saved in {folder.path}",
            f"go on: {command('audiomnist kfold --resume', folder.path)}",
        ) from None
    found = list_suspects(corpus, splits, Predictions.load(folder.predictions), folder.path) if suspects else None
    if found:
        result = result.model_copy(update={"suspects": found.document})
        result.save(folder.metrics)
    if json:
        print_json(result.plain())
        return
    print_cross_validation(
        result_console(),
        result,
        folder.path,
        suspects=found,
        left_out_by=settings.exclude_file,
        unseen=[speaker for split in splits for speaker in split.held_out],
        jobs=jobs,
        details=details,
    )
