"""``audiomnist export``: write a model as one file for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import message_console, print_json, result_console
from audiomnist.errors import UsageError


class Format(StrEnum):
    """What is written."""

    ONNX = "onnx"
    TORCH = "torch"
    HTML = "html"


_SUFFIXES = {Format.ONNX: ".onnx", Format.TORCH: ".pt2", Format.HTML: ".html"}


def export(
    model: Annotated[str, typer.Argument(help="Run folder, model.safetensors, or digits.", metavar="MODEL")] = "digits",
    to: Annotated[Format, typer.Option("--format", help="What to write.", metavar="onnx|torch|html")] = Format.ONNX,
    out: Annotated[Path | None, typer.Option(help="File to write. (default: beside the model)", metavar="FILE")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a model as one file: ONNX, torch, or a page for a browser.

    ONNX and torch take waveforms at the model's sample rate and give probabilities; html is a page that needs nothing
    but a browser. The answers of the file are checked against those of the model.
    """
    import torch

    from audiomnist.inference.export import export as write
    from audiomnist.inference.opening import weights_file
    from audiomnist.training.checkpoint import load_model

    source = weights_file(model)
    if out is not None and out.is_dir():
        raise UsageError(f"--out {out} is a folder", "name a file")
    path = out or (Path(f"{model}{_SUFFIXES[to]}") if model == "digits" else source.with_suffix(_SUFFIXES[to]))
    message_console(quiet or json).print(f"model: {source}")
    if to is Format.HTML:
        _export_page(source, path, json=json)
        return
    exported = write(load_model(source, torch.device("cpu")), path, "onnx" if to is Format.ONNX else "torch")
    if json:
        print_json({**exported.__dict__, "path": str(path), "format": to.value})
        return
    result_console().print(
        f"{path}: {exported.n_bytes / 1e6:.2f} MB; {exported.n_checked} waveforms have the same answers as in PyTorch, "
        f"probabilities differ by at most {exported.largest_difference:.1g}"
    )


def _export_page(source: Path, path: Path, *, json: bool) -> None:
    import torch

    from audiomnist.page.export import export_html
    from audiomnist.training.checkpoint import load_model

    export_html(load_model(source, torch.device("cpu")), path)
    n_bytes = path.stat().st_size
    if json:
        print_json({"path": str(path), "format": Format.HTML.value, "n_bytes": n_bytes})
        return
    result_console().print(f"{path}: {n_bytes / 1e6:.2f} MB; open it in a browser, or show it with audiomnist demo")
