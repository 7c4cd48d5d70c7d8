"""``audiomnist prep``: make a corpus's mel features, verify them, remove old ones."""

from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, print_json, progress, result_console
from audiomnist.errors import DataError, command, indented


def prep(
    data: options.Data = None,
    exclude_file: options.ExcludeFile = None,
    version: options.Version = None,
    config: options.ConfigFile = None,
    set_: options.Changes = None,
    strict: options.Strict = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the stored features against their checksums and the clips.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove features that were not used lately, and do nothing else.")
    ] = False,
    unused_days: Annotated[
        int,
        typer.Option(
            min=0, help="With --prune: days without use; 0 removes all that are not in use now.", metavar="DAYS"
        ),
    ] = 30,
    jobs: options.Jobs = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compute the mel features of a corpus now; otherwise train does it."""
    from audiomnist.experiments.inputs import open_corpus, open_store
    from audiomnist.experiments.settings import resolve
    from audiomnist.features import prep as features

    if prune:
        removed = features.prune(unused_days)
        n_bytes = sum(removed.values())
        if json:
            print_json({"removed": removed, "bytes": n_bytes})
        else:
            result_console().print(f"removed the features of {len(removed)} corpora, {n_bytes / 1e6:,.0f} MB")
        return
    quiet = quiet or json
    settings = resolve(version, config=config, settings=set_, data=data)
    steps = ConsoleProgress(quiet=quiet)
    corpus = open_corpus(settings.data, steps, exclude_file=exclude_file)
    if verify:
        with progress("verify", "clips", quiet=quiet) as show:
            store, replaced = features.verify(corpus, settings.features, jobs=jobs, progress=show)
        if replaced:
            raise DataError(
                f"{len(replaced):,} files hold another sound than when they were read, with the same size and time\n"
                f"{indented(replaced)}",
                f"give them a new time, then run prep again: {command('touch', *replaced[:10])}",
            )
    else:
        _, store = open_store(corpus, settings.features, settings.data, steps, strict=strict, jobs=jobs)
    if json:
        print_json(
            {
                "store": store.path,
                "data": settings.data,
                "clips": len(store),
                "n_left_out": len(store.left_out),
                "left_out": [{"path": clip.path, "reason": clip.reason} for clip in store.left_out],
                "frames": store.index.n_rows,
                "bytes": store.frames.nbytes,
                "fingerprint": corpus.fingerprint,
            }
        )
        return
    console = result_console()
    console.print(
        f"{len(store):,} clips, {store.index.n_rows:,} frames, {store.frames.nbytes / 1e6:,.0f} MB in {store.path}"
    )
