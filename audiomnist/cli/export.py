"""``audiomnist export``: write a model as one file for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import chatter_console, print_json, result_console
from audiomnist.errors import UsageError


class Format(StrEnum):
    """What is written."""

    ONNX = "onnx"
    TORCH = "torch"


_SUFFIXES = {Format.ONNX: ".onnx", Format.TORCH: ".pt2"}


def export(
    model: Annotated[str, typer.Argument(help="Run folder, model.safetensors, or digits.", metavar="MODEL")] = "digits",
    to: Annotated[Format, typer.Option("--format", help="ONNX, or a torch.export program.")] = Format.ONNX,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write. (default: beside the model)", metavar="FILE", show_default=False),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a model with its front end as one file, and check that it answers alike.

    The file takes waveforms at the model's sample rate and gives probabilities.
    """
    import torch

    from audiomnist.inference.export import export as write
    from audiomnist.inference.opening import weights_file
    from audiomnist.training.checkpoint import load_model

    source = weights_file(model)
    if out is not None and out.is_dir():
        raise UsageError(f"--out {out} is a folder", "name a file")
    path = out or (Path(f"{model}{_SUFFIXES[to]}") if model == "digits" else source.with_suffix(_SUFFIXES[to]))
    chatter_console(quiet or json).print(f"model: {source}")
    exported = write(load_model(source, torch.device("cpu")), path, to.value)
    if json:
        print_json({**exported.__dict__, "path": str(path), "format": to.value})
        return
    result_console().print(
        f"{path}: {exported.n_bytes / 1e6:.2f} MB; {exported.n_checked} waveforms have the same answers as in PyTorch, "
        f"probabilities differ by at most {exported.largest_difference:.1g}"
    )
