"""``audiomnist evaluate``: test a trained recogniser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from audiomnist.cli import options
from audiomnist.cli.output import chatter_console, error_document, print_json, progress, result_console
from audiomnist.cli.session import absolute, open_corpora, open_corpus, open_run, open_store, place_name
from audiomnist.cli.tables import print_robustness, print_scores
from audiomnist.errors import ThresholdError, UsageError

if TYPE_CHECKING:
    from audiomnist.evaluation.experiment import Result
    from audiomnist.evaluation.robustness import Robustness


def evaluate(
    run: Annotated[
        Path | None,
        typer.Argument(help="Run folder. (default: the newest)", show_default=False, metavar="RUN"),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Another corpus, all of it. (default: the run's own test clips)",
            show_default=False,
            metavar="PLACE",
        ),
    ] = None,
    exclude_file: options.ExcludeFile = None,
    min_accuracy: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Exit with 5 below this.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the result. (default: in RUN/evaluations)",
            show_default=False,
            metavar="DIR",
        ),
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Test under noise, reverberation, clipping and more as well.")
    ] = False,
    device: options.Device = "auto",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test a trained recogniser on its own test clips, or on every clip of another corpus."""
    import numpy as np

    from audiomnist.device import select_device
    from audiomnist.evaluation import experiment
    from audiomnist.training.checkpoint import load_model
    from audiomnist.training.dataset import WindowedClips
    from audiomnist.training.run import RunFolder
    from audiomnist.training.transforms import FrontEnd

    quiet = quiet or json
    if exclude_file is not None and data is None:
        raise UsageError("--exclude-file leaves clips out of another corpus", "name it with --data")
    folder = open_run(run)
    target = select_device(device)
    model = load_model(folder.require_model(), target)
    config = model.config
    corpus = open_corpus(data, exclude_file=exclude_file, quiet=quiet) if data else open_corpora(config, quiet=quiet)[1]
    clips = np.arange(len(corpus)) if data else folder.load_split(corpus).test
    store = open_store(corpus, config.features, data or config.data, quiet=quiet)
    chatter_console(quiet).print(f"run: {folder.path} on {target}, {len(clips):,} clips to test")
    place = absolute(data) if data else config.data
    destination = out or folder.path / "evaluations" / (place_name(data) if data else "test")
    facts = experiment.describe(config, folder, target)
    facts |= {"data": place, "split": "all" if data else config.split.scheme}
    front_end = FrontEnd(config, WindowedClips(store, config.window, target))
    result = experiment.evaluate(model.network, front_end, corpus, clips, facts, RunFolder(destination))
    swept = None
    if robustness:
        from audiomnist.evaluation.robustness import sweep

        with progress("robustness", "conditions", quiet=quiet) as show:
            labels = corpus.digits[clips]
            swept = sweep(model.network, front_end, config, corpus, clips, labels, progress=show)
        swept.save(RunFolder(destination))
    failure = None
    if min_accuracy is not None and result.scores.accuracy < min_accuracy:
        failure = ThresholdError(
            f"accuracy {result.scores.accuracy:.4f} is below {min_accuracy}",
            f"see {destination / 'figures' / 'confusion.png'}",
        )
    if json:
        document = result.as_json() | ({"robustness": swept.as_json()} if swept else {})
        print_json(document | (error_document(failure) if failure else {}))
        raise typer.Exit(failure.exit_code if failure else 0)
    _print(result, "all clips" if data else f"the run's test clips, split {config.split.scheme}", destination, swept)
    if failure:
        raise failure


def _print(result: "Result", tested: str, destination: Path, swept: "Robustness | None") -> None:
    console = result_console()
    print_scores(console, result.scores)
    console.print(
        Text.assemble(
            (f"accuracy {result.scores.accuracy:.4f}", "bold"),
            f", loss {result.scores.loss:.4f} on {result.scores.n_test:,} clips of {result.facts['data']} ({tested})",
        )
    )
    if swept:
        print_robustness(console, swept)
    files = "metrics.json, predictions.csv, robustness.json" if swept else "metrics.json, predictions.csv"
    console.print(f"written to {destination} ({files}, figures/)")
