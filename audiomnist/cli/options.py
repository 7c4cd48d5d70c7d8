"""Options that mean the same in every verb."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.shipped import DEFAULT_VERSION

Data = Annotated[
    str | None,
    typer.Option(
        help="Corpus: audiomnist, fsdd, synthetic, a folder or a manifest file. "
        "(default: $AUDIOMNIST_DATA, else audiomnist)",
        metavar="PLACE",
    ),
]
ExtraData = Annotated[
    list[str] | None, typer.Option(help="A further corpus, for training only; may be given again.", metavar="PLACE")
]
NoDigitData = Annotated[
    list[str] | None,
    typer.Option(
        help="Other words, noises or silence, to be told from digits: a folder, a sound file or a manifest; may be "
        "given again.",
        metavar="PLACE",
    ),
]
ExcludeFile = Annotated[
    Path | None, typer.Option(help="List of clips to leave out, a path per line or a .csv.", metavar="LIST")
]
Version = Annotated[
    str | None, typer.Option(help=f"Configuration that ships with the program. (default: {DEFAULT_VERSION})")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Configuration of your own.", metavar="FILE")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting, e.g. optim.lr=0.01.", metavar="KEY=VALUE")
]
Seed = Annotated[int | None, typer.Option(help="Decides everything random. (default: 0)")]
SplitScheme = Annotated[
    str | None,
    typer.Option(
        help="random, speaker, becker-0..4, becker-gender-0..3, fsdd-official, speech-commands-official, manifest or "
        "column:NAME=VALUE. "
        "(default: random)",
        metavar="SCHEME",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        help="What is recognised: digit, speaker, or a column such as gender. (default: digit)", metavar="COLUMN"
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Start from the weights of a run, a model.safetensors or digits, with its settings.",
        metavar="MODEL",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        help="Run folder, model.safetensors, .onnx, or digits, which comes with the program.", metavar="MODEL"
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads or processes. (default: all cores)")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 3 if a clip cannot be used. (default: go on without it)")
]
Details = Annotated[bool, typer.Option("--details", help="Print groups, classes, calibration and folds as well.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")]
