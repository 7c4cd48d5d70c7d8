"""``audiomnist explain``: show which parts of a recording are evidence for a digit."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import ConsoleProgress, message_console, print_json, progress, result_console
from audiomnist.errors import UsageError
from audiomnist.files import home

if TYPE_CHECKING:
    from audiomnist.evaluation.explanation import Explainer, Explanation
    from audiomnist.inference.answers import Label

_CLIPS_PER_CLASS = 20


def explain(
    model: Annotated[str, typer.Argument(help="Run folder, model.safetensors, or digits.", metavar="MODEL")],
    files: Annotated[
        list[str] | None, typer.Argument(help="Recordings, or folders of them.", metavar="FILE...")
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="Integrated gradients, layer-wise relevance propagation, or occlusion.", metavar="ig|lrp|occlusion"
        ),
    ] = "ig",
    digit: Annotated[
        str | None, typer.Option(help="Also explain this digit, not only the most probable one.", metavar="D")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help=f"Corpus: average over {_CLIPS_PER_CLASS} clips of each digit.", metavar="PLACE"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures. (default: explanations)", metavar="DIR")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show which parts of a recording are evidence for a digit.

    Each explanation is checked: hiding its most relevant tenth must lower the probability far more than hiding another
    tenth, and the explanations of networks with random weights must look different.
    """
    if not files and data is None:
        raise UsageError("nothing to explain", "name recordings, or a corpus with --data")
    if Path(model).suffix == ".onnx":
        raise UsageError(
            f"{model} is an export, which gives answers but no gradients",
            "name the run or the model.safetensors that it was made from",
        )
    import torch

    from audiomnist.evaluation.explanation import Explainer
    from audiomnist.inference.answers import label
    from audiomnist.inference.opening import weights_file
    from audiomnist.inference.torch_recognizer import TorchRecognizer

    source = weights_file(model)
    explainer = Explainer(TorchRecognizer.load(source, torch.device("cpu")), method)
    message_console(quiet or json).print(f"model: {source}; method: {method}")
    folder = out or home() / "explanations"
    explained = [*_of_files(explainer, files or [], [] if digit is None else [label(digit)], folder, as_json=json)]
    document: dict[str, object] = {"model": str(source), "method": method, "files": explained, "averages": []}
    if data is not None:
        document |= _of_corpus(explainer, data, folder, quiet=quiet or json, as_json=json)
    if json:
        print_json(document)


def _of_files(
    explainer: "Explainer", files: list[str], asked: "list[Label]", folder: Path, *, as_json: bool
) -> Iterator[dict[str, object]]:
    """Draw a picture per recording; yield what is known of each."""
    from audiomnist.inference.paths import recordings
    from audiomnist.reports.drawing import save_figure
    from audiomnist.reports.explanations import explanation_figure

    taken: set[Path] = set()
    for path in recordings(files):
        explained = explainer.explain(path, classes=asked)
        picture = folder / f"{path.stem}.png"
        while picture in taken:  # recordings of one name in several folders
            picture = picture.with_stem(f"{picture.stem}_")
        taken.add(picture)
        digit = explained.answer.digit
        title = f"{path.name}: {'no digit' if digit is None else digit}"
        save_figure(explanation_figure(explained, explainer.recognizer.model.config.features, title), picture)
        if not as_json:
            result_console().print(f"{title}; {picture}")
        documents = [_checked(one, as_json=as_json) for one in explained.explanations]
        yield {
            "path": str(path),
            "digit": digit,
            "probability": explained.answer.probability,
            "picture": str(picture),
            "explanations": documents,
        }


def _of_corpus(explainer: "Explainer", place: str, folder: Path, *, quiet: bool, as_json: bool) -> dict[str, object]:
    """Draw the averages over a corpus; return what is known of each."""
    from audiomnist.corpus.places import short_name
    from audiomnist.experiments.inputs import open_corpus
    from audiomnist.reports.drawing import save_figure
    from audiomnist.reports.explanations import averages_figure

    corpus = open_corpus(place, ConsoleProgress(quiet=quiet))
    with progress("explain", "clips", quiet=quiet) as show:
        averages = explainer.averages(corpus, _CLIPS_PER_CLASS, progress=show)
    picture = folder / f"{short_name(place)}-average.png"
    features = explainer.recognizer.model.config.features
    save_figure(averages_figure(averages, features, f"mean relevance, {short_name(place)}"), picture)
    if not as_json:
        result_console().print(f"averages over {place}: {picture}")
    documents = [{**_checked(one, as_json=as_json), "n_clips": one.n_clips} for one in averages]
    return {"data": place, "picture": str(picture), "averages": documents}


def _checked(one: "Explanation", *, as_json: bool) -> dict[str, object]:
    """Print the checks of an explanation; return them as plain values."""
    from audiomnist.reports.explanations import checks

    if not as_json:
        result_console().print(f"  {one.label}: {checks(one.checks)}".replace("\n", "; "))
    if not one.checks.hold:
        message_console().print(f"warning: the explanation of {one.label} does not pass its checks: do not rely on it")
    return {"digit": one.label, **vars(one.checks), "holds": one.checks.hold}
