"""Steps that several verbs share, with their progress on the console."""

from pathlib import Path
from typing import TYPE_CHECKING

from audiomnist.cli.output import ConsoleProgress

if TYPE_CHECKING:
    from audiomnist.config import Config, Features
    from audiomnist.corpus import Corpus
    from audiomnist.features import FeatureStore
    from audiomnist.runs.folder import RunFolder


def open_corpus(place: str, *, exclude_file: str | Path | None = None, quiet: bool) -> "Corpus":
    """Scan a corpus, without the clips that a file lists; the synthetic one is made first if it is not there yet."""
    from audiomnist.experiments import inputs

    return inputs.open_corpus(place, exclude_file=exclude_file, progress=ConsoleProgress(quiet=quiet))


def open_corpora(config: "Config", *, quiet: bool) -> "tuple[Corpus, Corpus]":
    """Return the corpus of a configuration, and the same with the clips of its further corpora behind its own."""
    from audiomnist.experiments import inputs

    opened = inputs.open_inputs(config, None, ConsoleProgress(quiet=quiet))
    return opened.own, opened.corpus


def open_store(
    corpus: "Corpus", features: "Features", place: str, *, quiet: bool, strict: bool = False, jobs: int | None = None
) -> "tuple[Corpus, FeatureStore]":
    """Return the clips of a corpus that can be used, and their features; if need be they are computed now."""
    from audiomnist.experiments import inputs

    return inputs.open_store(corpus, features, place, ConsoleProgress(quiet=quiet), strict=strict, jobs=jobs)


def open_run(path: Path | None) -> "RunFolder":
    """Return the run at a path, or the newest finished one."""
    from audiomnist.runs.folder import RunFolder

    return RunFolder.newest() if path is None else RunFolder.open(path)


def place_name(place: str) -> str:
    """Return a short name of a place: the folder's, or the manifest's without its suffix."""
    from audiomnist.experiments import inputs

    return inputs.place_name(place)
