"""Options that mean the same in every verb."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.shipped import DEFAULT_VERSION, versions

Data = Annotated[
    str | None,
    typer.Option(
        help="Corpus: audiomnist, fsdd, speech-commands, synthetic, a folder or a manifest file. "
        "(default: $AUDIOMNIST_DATA, else audiomnist)",
        metavar="PLACE",
    ),
]
ExtraData = Annotated[
    list[str] | None, typer.Option(help="A further corpus, for training only; can be repeated.", metavar="PLACE")
]
NoDigitData = Annotated[
    list[str] | None,
    typer.Option(
        help="Other words, noise or silence, to learn 'no digit' from: a folder, a sound file or a manifest; can be "
        "repeated.",
        metavar="PLACE",
    ),
]
ExcludeFile = Annotated[
    Path | None, typer.Option(help="File that lists clips to leave out, a path per line or a .csv.", metavar="LIST")
]
Version = Annotated[
    str | None,
    typer.Option(help=f"Shipped configuration: {', '.join(versions())}. (default: {DEFAULT_VERSION})", metavar="NAME"),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Your own configuration file.", metavar="FILE")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting, e.g. optim.lr=0.01; can be repeated.", metavar="KEY=VALUE"),
]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random. (default: 0)", metavar="N")]
SplitScheme = Annotated[
    str | None,
    typer.Option(
        help="random, speaker, becker-0..4, becker-gender-0..3, fsdd-official, speech-commands-official, manifest or "
        "column:NAME=VALUE. (default: random)",
        metavar="SCHEME",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        help="What to recognise: digit, speaker, or a column such as gender. (default: digit)", metavar="COLUMN"
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Start from the weights and settings of a model: a run folder, a model.safetensors, or digits.",
        metavar="MODEL",
    ),
]
Model = Annotated[
    str, typer.Option(help="Run folder, model.safetensors, .onnx, or digits (comes with the program).", metavar="MODEL")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", metavar="DEVICE")]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Parallel threads or processes. (default: all cores)", metavar="N")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if a clip cannot be used. (default: leave it out)")]
Details = Annotated[bool, typer.Option("--details", help="Also print groups, classes, calibration and folds.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result.")]
