"""``audiomnist export``: write a model as one file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import message_console, print_json, result_console
from audiomnist.errors import UsageError

_SUFFIXES = {"onnx": ".onnx", "torch": ".pt2", "html": ".html", "bundle": ".zip", "hub": "-hub"}


def export(
    model: Annotated[str, typer.Argument(help="Run folder, model.safetensors, or digits.", metavar="MODEL")] = "digits",
    to: Annotated[str, typer.Option("--format", help="What to write.", metavar="onnx|torch|html|bundle|hub")] = "onnx",
    out: Annotated[
        Path | None, typer.Option(help="File or folder to write. (default: beside the model)", metavar="PATH")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a model for other programs, a browser or a model repository.

    ONNX and torch take waveforms at the model's sample rate and give probabilities; html is a page that needs nothing
    but a browser. The answers of the file are compared with those of the model. hub is a folder for a model repository:
    weights, ONNX, page, examples, model card, licence and checksums, nothing personal; bundle is the same as a zip.
    """
    if to not in _SUFFIXES:
        raise UsageError(f"--format {to}: no such format", f"give one of {', '.join(_SUFFIXES)}")
    import torch

    from audiomnist.inference.opening import weights_file
    from audiomnist.training.checkpoint import load_model

    source = weights_file(model)
    if out is not None and out.exists() and out.is_dir() != (to == "hub"):
        is_one, wanted = ("file", "folder") if to == "hub" else ("folder", "file")
        raise UsageError(f"--out {out} is a {is_one}", f"name a {wanted}")
    beside = Path(model) if model == "digits" else source.with_suffix("")
    path = out or beside.with_name(f"{beside.name}{_SUFFIXES[to]}")
    message_console(quiet or json).print(f"model: {source}")
    document: dict[str, object] = {"path": str(path), "format": to}
    if to in {"bundle", "hub"}:
        from audiomnist.reports.hub import write_bundle, write_folder

        names = (write_folder if to == "hub" else write_bundle)(source, path)
        document["files"], summary = names, ", ".join(names)
    elif to == "html":
        from audiomnist.page.export import export_html

        export_html(load_model(source, torch.device("cpu")), path)
        document["n_bytes"] = n_bytes = path.stat().st_size
        summary = f"{n_bytes / 1e6:.2f} MB; open it in a browser, or show it with audiomnist demo"
    else:
        from audiomnist.inference.export import export as write

        exported = write(load_model(source, torch.device("cpu")), path, "onnx" if to == "onnx" else "torch")
        document |= {**vars(exported), "path": str(path)}
        summary = (
            f"{exported.n_bytes / 1e6:.2f} MB; same answers as PyTorch on {exported.n_checked} waveforms, "
            f"probabilities differ by at most {exported.largest_difference:.1g}"
        )
    if json:
        print_json(document)
    else:
        result_console().print(f"{path}: {summary}")
