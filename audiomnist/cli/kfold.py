"""``audiomnist kfold``: cross validation."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from audiomnist.cli import options
from audiomnist.cli.output import EpochLines, chatter_console, print_json, result_console
from audiomnist.cli.session import open_corpora, open_store, warn_of_cuts, with_lasting_places
from audiomnist.cli.suspects import print_suspects
from audiomnist.cli.tables import folds_table, print_scores
from audiomnist.errors import DataError, Interrupted, UsageError, command


def kfold(
    folds: Annotated[int | None, typer.Option(min=2, help="Parts. (default: 5)", show_default=False)] = None,
    group: Annotated[
        str | None,
        typer.Option(help="speaker: no voice is both trained on and tested.", show_default=False, metavar="speaker"),
    ] = None,
    version: options.Version = None,
    config: options.ConfigFile = None,
    set_: options.Changes = None,
    data: options.Data = None,
    extra_data: options.ExtraData = None,
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
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train and test once per fold, so that every clip is tested by a network that never saw it."""
    from audiomnist.corpus import folds as draw_folds
    from audiomnist.device import seed_everything, select_device
    from audiomnist.evaluation.crossval import cross_validate
    from audiomnist.evaluation.suspects_page import list_suspects
    from audiomnist.training.run import RunFolder

    quiet = quiet or json
    if group not in {None, "speaker"}:
        raise UsageError(f"--group {group}: clips can be kept together by speaker only", "use --group speaker")
    if resume is not None:
        options.refuse_with_resume(
            **{"extra-data": extra_data, "exclude-file": exclude_file},
            version=version,
            config=config,
            set=set_,
            data=data,
            seed=seed,
            run=run,
            folds=folds,
            group=group,
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
            exclude_file=exclude_file,
            seed=seed,
            scheme=group,
            folds=folds,
        )
    target = select_device(device)
    seed_everything(settings.seed)
    own, corpus = open_corpora(settings, quiet=quiet)
    by_speaker = settings.split.scheme == "speaker"
    drawn = draw_folds(own, settings.split.folds, settings.seed, by_speaker=by_speaker)
    splits = [split.with_extra(len(own), len(corpus)) for split in drawn]
    store = open_store(corpus, settings.features, settings.data, quiet=quiet)
    warn_of_cuts(store, settings, quiet=quiet)
    if resume is None:
        settings = with_lasting_places(settings)
        folder = RunFolder.create("kfold", f"kfold-{settings.version}", run)
        settings.save(folder.config)
    chatter_console(quiet).print(f"run: {folder.path} on {target}, {len(splits)} folds")
    lines = EpochLines(settings.optim.epochs, quiet=quiet)
    try:
        with lines:
            result = cross_validate(settings, corpus, store, splits, folder, target, lines.for_fold)
    except KeyboardInterrupt:
        finished = len(list(folder.path.glob("fold-*/metrics.json")))
        raise Interrupted(
            f"stopped after {finished} of {len(splits)} folds; they are saved in {folder.path}",
            f"go on: {command('audiomnist kfold --resume', folder.path)}",
        ) from None
    found = list_suspects(corpus, splits, folder) if suspects else None
    document = result.as_json() | ({"suspects": found.as_json()} if found else {})
    if json:
        print_json(document)
        return
    console = result_console()
    print_scores(console, result.scores)
    console.print(folds_table(result.folds))
    mean, std = document["accuracy_mean"], document["accuracy_std"]
    voices = "unseen voices" if by_speaker else "known voices"
    console.print(
        Text.assemble(
            (f"accuracy {mean:.4f} ± {std:.4f}", "bold"),
            f" over {len(splits)} folds ({voices}), {settings.version}, {document['seconds']:.0f} s",
        )
    )
    console.print(f"run folder: {folder.path} (predictions.csv: every clip, out of fold)")
    if found:
        print_suspects(console, found, settings.exclude_file)
