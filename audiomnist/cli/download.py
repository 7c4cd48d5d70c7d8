"""``audiomnist download``: bring a public corpus here, or check one that is here."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import (
    byte_progress,
    error_document,
    message_console,
    print_json,
    result_console,
    say_commands,
)
from audiomnist.errors import DataError, UsageError, command, count, indented

_MORE = " (--json lists all)"


def download(
    name: Annotated[str, typer.Argument(help="audiomnist, fsdd or speech-commands.", metavar="NAME")] = "audiomnist",
    root: Annotated[
        Path | None, typer.Option(help="Folder to put the corpus into, under its name. (default: data)", metavar="DIR")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="A mirror's address, an archive on disk, an unpacked folder, or hub for the Hugging Face mirror. "
            "(default: the corpus's own archive)",
            metavar="URL|ARCHIVE|FOLDER|hub",
        ),
    ] = None,
    words: Annotated[
        str, typer.Option(help="For Speech Commands: only the digits, or all words.", metavar="digits|all")
    ] = "digits",
    verify: Annotated[
        bool, typer.Option("--verify", help="Download nothing; compare files, sizes and headers with the checksums.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="With --verify: also hash and decode every file.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Download a corpus, or check one that is already here.

    A download that was stopped is resumed. In the end every file is checked.
    """
    from audiomnist.corpus.places import data_folder
    from audiomnist.download.checksums import verify as check
    from audiomnist.download.download import download as bring
    from audiomnist.download.sources import find_source

    quiet = quiet or json
    corpus = find_source(name, words=words)
    path = (root or data_folder()) / corpus.name
    if deep and not verify:
        raise UsageError("--deep belongs to --verify", f"{command('audiomnist download --verify --deep', name)}")
    console = result_console()
    if verify:
        with byte_progress(quiet=quiet) as show:
            problems = check(path, deep=deep, progress=show)
        deviations = [f"{file}: {problem}" for file, problem in problems.items()]
        failure = None
        if deviations:
            failure = DataError(
                f"{path}: {count(len(deviations), 'difference')} from its checksums\n"
                f"{indented(deviations, more=_MORE)}",
                f"remove it and download it again: {command('audiomnist download', name)}",
            )
        if json:
            print_json({"path": path, "deviations": deviations} | (error_document(failure) if failure else {}))
            raise typer.Exit(failure.exit_code if failure else 0)
        if failure:
            raise failure
        console.print(f"{path}: every file matches its checksums")
        return
    with byte_progress(quiet=quiet) as show:
        report = bring(corpus, path, source=source, progress=show, on_event=message_console(quiet).print)
    if json:
        print_json(report.__dict__)
        return
    console.print(f"{report.clips:,} clips, {report.bytes / 1e6:,.0f} MB in {report.path}")
    if report.deviations:
        console.print(
            f"{count(len(report.deviations), 'difference')} from the published corpus:\n"
            f"{indented(report.deviations, more=_MORE)}"
        )
    say_commands(console, "next", command("audiomnist train --data", name if root is None else path))
