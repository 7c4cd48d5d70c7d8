"""``audiomnist evaluate``: test a trained recogniser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import chatter_console, error_document, print_json, progress, result_console
from audiomnist.cli.printing import print_result
from audiomnist.cli.session import absolute, open_corpus, open_prepared, open_run, open_store, place_name
from audiomnist.errors import ThresholdError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiomnist.config import Config
    from audiomnist.corpus import Corpus
    from audiomnist.features import FeatureStore
    from audiomnist.runs.folder import RunFolder
    from audiomnist.training.checkpoint import TrainedModel


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
    split: Annotated[
        str | None,
        typer.Option(help="Only the test part of --data under this scheme.", show_default=False, metavar="SCHEME"),
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
    details: options.Details = False,
    strict: options.Strict = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test a trained recogniser on its own test clips, or on clips of another corpus."""
    from audiomnist.corpus import labels
    from audiomnist.device import select_device
    from audiomnist.evaluation.robustness import sweep
    from audiomnist.experiments import experiment
    from audiomnist.inference.torch_recognizer import TorchRecognizer
    from audiomnist.reports.figures import save_robustness
    from audiomnist.runs.folder import RunFolder

    quiet = quiet or json
    if data is None and (exclude_file is not None or split is not None):
        named = "--exclude-file" if exclude_file is not None else "--split"
        raise UsageError(f"{named} chooses clips of another corpus", "name it with --data")
    folder = open_run(run)
    chosen_device = select_device(device)
    recognizer = TorchRecognizer.load(folder.require_model(), chosen_device)
    model = recognizer.model
    config = model.config
    facts = experiment.describe(config, folder, chosen_device) | {"own_test": data is None}
    if data is None:
        corpus, store, clips = _own_test_clips(folder, config, quiet=quiet, strict=strict)
    else:
        corpus, store, clips = _clips_of(data, exclude_file, split, model, quiet=quiet, strict=strict)
        n_trained_on = _count_trained_on(folder, config, corpus, clips, quiet=quiet)
        facts |= {"data": absolute(data), "split": split or "all", "n_trained_on": n_trained_on}
    chatter_console(quiet).print(f"run: {folder.path} on {chosen_device}, {len(clips):,} clips to test")
    destination = out or folder.path / "evaluations" / (place_name(data) if data else "test")
    result = experiment.evaluate(recognizer, store, corpus, clips, facts, RunFolder(destination))
    swept = None
    if robustness:
        right = labels(corpus, config.target, model.classes).of_clips[clips]
        with progress("robustness", "conditions", quiet=quiet) as show:
            swept = sweep(recognizer, corpus, clips, right, progress=show)
        save_robustness(swept, destination)
    failure = None
    if min_accuracy is not None and result.accuracy < min_accuracy:
        failure = ThresholdError(
            f"accuracy {result.accuracy:.3f} is below {min_accuracy}",
            f"see {destination / 'figures' / 'confusion.png'}",
        )
    if json:
        document = result.plain() | ({"robustness": swept.plain()} if swept else {})
        print_json(document | (error_document(failure) if failure else {}))
        raise typer.Exit(failure.exit_code if failure else 0)
    print_result(result_console(), result, destination, robustness=swept, details=details)
    if failure:
        raise failure


def _own_test_clips(
    folder: "RunFolder", config: "Config", *, quiet: bool, strict: bool
) -> "tuple[Corpus, FeatureStore, NDArray[np.int64]]":
    from audiomnist.evaluation.leaks import check

    _, corpus, store = open_prepared(config, quiet=quiet, strict=strict)
    parts = folder.load_split(corpus)
    check(config, corpus, store, parts)
    return corpus, store, parts.test


def _clips_of(
    place: str, exclude_file: Path | None, scheme: str | None, model: "TrainedModel", *, quiet: bool, strict: bool
) -> "tuple[Corpus, FeatureStore, NDArray[np.int64]]":
    """Return another corpus, its features, and its test part under a scheme, or all of it."""
    import numpy as np

    from audiomnist.config import from_settings
    from audiomnist.corpus import labels, split
    from audiomnist.corpus.targets import with_known_labels

    config = model.config
    corpus = open_corpus(place, exclude_file=exclude_file, quiet=quiet)
    corpus = with_known_labels(corpus, config.target, model.classes)
    corpus, store = open_store(corpus, config.features, place, quiet=quiet, strict=strict)
    if scheme is None:
        return corpus, store, np.arange(len(corpus))
    settings = from_settings({"split": {"scheme": scheme}}, "--split").split
    known = labels(corpus, config.target, model.classes).of_clips
    return corpus, store, split(corpus, settings, config.seed, known).test


def _count_trained_on(
    folder: "RunFolder", config: "Config", corpus: "Corpus", clips: "NDArray[np.int64]", *, quiet: bool
) -> int:
    """Return how many of the tested clips the run was trained on, and say so if there are any."""
    from audiomnist.corpus.places import locate

    n_trained_on = len(folder.trained_files(locate(config.data)).intersection(map(corpus.file, clips.tolist())))
    if n_trained_on:
        chatter_console(quiet).print(
            f"warning: {n_trained_on:,} of these {len(clips):,} clips were trained on; "
            "the run's own test clips, without --data, tell more"
        )
    return n_trained_on
