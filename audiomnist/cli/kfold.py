"""``audiomnist kfold``: cross validation."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, print_json, result_console
from audiomnist.errors import UsageError


def kfold(
    folds: Annotated[int | None, typer.Option(min=2, help="Number of folds. (default: 5)", metavar="N")] = None,
    group: Annotated[str | None, typer.Option(help="The same as --scheme speaker.", metavar="speaker")] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme",
            "--split",
            help="random, speaker (tested speakers are not trained on), becker, becker-gender or column:NAME. "
            "(default: random)",
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
        typer.Option(help="New folder for the folds. (default: runs/<time>-kfold-<version>)", metavar="DIR"),
    ] = None,
    suspects: Annotated[
        bool, typer.Option("--suspects", help="List the clips whose label looks wrong, with a page to listen to them.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(help="Resume a stopped run; finished folds are kept.", metavar="RUN")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Folds trained at the same time, with a thread each.", metavar="N")
    ] = 1,
    strict: options.Strict = False,
    details: options.Details = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Cross-validate: test every clip with a network not trained on it."""
    from audiomnist.cli.printing import print_result
    from audiomnist.experiments.kfold import kfold as cross_validate
    from audiomnist.runs.folder import RunFolder

    if group not in {None, "speaker"}:
        raise UsageError(f"--group {group}: clips can be kept together by speaker only", "use --group speaker")
    if group is not None and resume is not None:
        raise UsageError("--group cannot change a run that is resumed", "leave it out, or start a new run")
    if group is not None and scheme not in {None, "speaker"}:
        raise UsageError(f"--group speaker and --scheme {scheme} contradict each other", "give one of them")
    result = cross_validate(
        version,
        config=config,
        settings=set_,
        data=data,
        extra_data=extra_data,
        no_digit_data=no_digit_data,
        exclude_file=exclude_file,
        scheme=scheme or group,
        folds=folds,
        target=target,
        seed=seed,
        device=device,
        run=run,
        resume=resume,
        jobs=jobs,
        suspects=suspects,
        strict=strict,
        progress=ConsoleProgress(quiet=quiet or json),
    )
    if json:
        print_json(result.plain())
    else:
        folder = RunFolder(Path(result.run))
        left_out_by = folder.load_config().exclude_file
        print_result(result_console(), result, folder.path, left_out_by=left_out_by, details=details)
