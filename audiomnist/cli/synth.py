"""``audiomnist synth``: make a corpus of synthetic speech."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli.options import Jobs, Json, Quiet
from audiomnist.cli.output import message_console, print_json, progress, result_console, say_commands
from audiomnist.errors import command


def synth(
    out: Annotated[Path | None, typer.Option(help="New folder. (default: data/synthetic)", metavar="DIR")] = None,
    speakers: Annotated[int, typer.Option(help="Number of voices, at most 60.", metavar="N")] = 20,
    repetitions: Annotated[int, typer.Option(help="Clips of each digit by each voice.", metavar="N")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the voices and of how each clip is spoken.", metavar="N")] = 0,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            help="espeak, or flite if it is installed; repeat the option to use both by turns. (default: espeak)",
            metavar="espeak|flite",
        ),
    ] = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a corpus of synthetic speech with eSpeak NG, offline.

    Folders and file names are like those of AudioMNIST.
    """
    from audiomnist.corpus import scan
    from audiomnist.corpus.places import data_folder
    from audiomnist.synthesis.synthesize import synthesize

    with progress("synth", "clips", quiet=quiet or json) as show:
        path = synthesize(
            out or data_folder() / "synthetic",
            speakers=speakers,
            repetitions=repetitions,
            seed=seed,
            engines=engine or ["espeak"],
            jobs=jobs,
            progress=show,
            on_event=message_console(quiet or json).print,
        )
    corpus = scan(path)
    if json:
        print_json({"path": path, "clips": len(corpus), "speakers": speakers, "repetitions": repetitions, "seed": seed})
        return
    place = "synthetic" if out is None else path
    console = result_console()
    console.print(f"{len(corpus):,} clips of {speakers} voices in {path}")
    say_commands(console, "next", command("audiomnist train --data", place))
