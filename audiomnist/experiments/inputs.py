"""What an experiment starts from: its corpora, found, and their features, prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiomnist import distributed
from audiomnist.config import Config, Features
from audiomnist.corpus.measures import cut_share
from audiomnist.corpus.places import data_folder, locate
from audiomnist.corpus.scan import Corpus, scan, without
from audiomnist.corpus.targets import labels, with_known_labels
from audiomnist.corpus.validation import validate
from audiomnist.errors import command, count, indented, printable
from audiomnist.experiments.progress import Progress
from audiomnist.features import FeatureStore, is_prepared, prepare

_MANY_CUT = 0.01


@dataclass(frozen=True)
class Inputs:
    """The clips of an experiment with their features.

    Attributes
    ----------
    own : Corpus
        The corpus that is divided into training and test.
    corpus : Corpus
        The same with the clips of further corpora behind its own; ``store`` has them in this order.
    classes : tuple of str
        What a network tells apart, in the order of its outputs.
    n_left_out : int
        Clips left out because they cannot be used.
    """

    own: Corpus
    corpus: Corpus
    store: FeatureStore
    classes: tuple[str, ...]
    n_left_out: int


def open_inputs(
    config: Config, progress: Progress, classes: Sequence[str] | None = None, *, strict: bool = False
) -> Inputs:
    """Find the corpora of a configuration and prepare their features.

    Parameters
    ----------
    classes : sequence of str, optional
        Those of a run that goes on; clips of others are left out.
    strict : bool
        Whether a clip that cannot be used is an error. Otherwise it is left out.
    """
    everything = open_corpus(config.data, progress, exclude_file=config.exclude_file)
    corpus, _ = labelled(everything, config.target, classes, progress)
    for place in config.extra_data:
        extra, _ = labelled(open_corpus(place, progress), config.target, classes, progress)
        corpus = corpus.joined(_to_train_on(extra, progress), place_name(place))
    corpus, store = open_store(corpus, config.features, config.data, progress, strict=strict)
    own = corpus.select(np.flatnonzero(corpus.sources == 0))
    return Inputs(own, corpus, store, tuple(classes or labels(own, config.target).classes), len(store.left_out))


def open_corpus(place: str, progress: Progress, *, exclude_file: str | Path | None = None) -> Corpus:
    """Scan a corpus, without the clips that a file lists; the synthetic one is made first if it is not there yet."""
    corpus = distributed.by_first(lambda: _found(place, progress))
    n_speakers = len(set(corpus.speakers.tolist()))
    progress.say(f"corpus: {len(corpus):,} clips of {n_speakers} speakers in {corpus.root}")
    if corpus.strays:
        shown = ", ".join(corpus.strays[:3]) + (", ..." if len(corpus.strays) > 3 else "")
        progress.say(f"corpus: ignored {len(corpus.strays):,} files that are no clips: {shown}")
    if corpus.other_words:
        progress.say(f"corpus: ignored {len(corpus.other_words):,} recordings of other words")
    if exclude_file is None:
        return corpus
    kept = without(corpus, Path(exclude_file))
    progress.say(f"corpus: left out {len(corpus) - len(kept):,} clips listed in {exclude_file}")
    return kept


def open_store(
    corpus: Corpus, features: Features, place: str, progress: Progress, *, strict: bool = False, jobs: int | None = None
) -> tuple[Corpus, FeatureStore]:
    """Return the clips of a corpus that can be used, and their features; names and headers are checked first."""
    if distributed.rank() == 0 and not is_prepared(corpus, features):
        validation = validate(locate(place), jobs=jobs)
        n_errors = len(validation.errors)
        if validation.findings:
            n_warnings, see = len(validation.findings) - n_errors, command("audiomnist validate --data", place)
            progress.say(f"validate: {count(n_errors, 'error')}, {count(n_warnings, 'warning')}; see: {see}")
    with progress.counting("prep", "clips") as show:
        store = prepare(corpus, features, jobs=jobs, strict=strict, progress=show)
    if store.left_out:
        faults = [f"{printable(clip.path)}: {clip.reason}" for clip in store.left_out]
        progress.say(f"prep: left out {len(faults):,} clips that cannot be used\n{indented(faults)}")
    return store.of(corpus), store


def labelled(corpus: Corpus, target: str, classes: Sequence[str] | None, progress: Progress) -> tuple[Corpus, int]:
    """Return the clips whose class is known, one of ``classes`` where they are given, and how many others there are."""
    known = with_known_labels(corpus, target, classes)
    n_left_out = len(corpus) - len(known)
    if n_left_out:
        progress.say(f"corpus: left out {n_left_out:,} clips whose {target} is not known or is no class of the network")
    return known, n_left_out


def warn_of_cuts(store: FeatureStore, config: Config, progress: Progress) -> None:
    """Say so if the window is shorter than more than 1 % of the clips."""
    clip_ms = config.window.clip_ms
    if clip_ms == "auto":
        return
    share = cut_share(store.index.n_samples, config.features.sample_rate, clip_ms)
    if share > _MANY_CUT:
        cut = f"{100 * share:.1f} % of the clips"
        progress.say(f"warning: window.clip_ms={clip_ms} cuts {cut}; choose a longer one with --set")


def with_lasting_places(config: Config) -> Config:
    """Return a configuration whose corpora are the same seen from any folder."""

    def lasting(places: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(lasting_place(place) for place in places)

    return config.model_copy(
        update={
            "data": lasting_place(config.data),
            "extra_data": lasting(config.extra_data),
            "augment": config.augment.model_copy(update={"noise_data": lasting(config.augment.noise_data)}),
            "no_digit": config.no_digit.model_copy(update={"data": lasting(config.no_digit.data)}),
        }
    )


def lasting_place(place: str) -> str:
    """Return a place so that it means the same from any folder: names stay, paths become absolute."""
    path = locate(place)
    return place if path == data_folder() / place else str(path.resolve())


def place_name(place: str) -> str:
    """Return a short name of a place: the folder's, or the manifest's without its suffix."""
    path = locate(place).resolve()
    return path.stem if path.is_file() else path.name


def _found(place: str, progress: Progress) -> Corpus:
    if place == "synthetic" and not (data_folder() / place).exists():
        from audiomnist.synthesis.synthesize import synthesize

        with progress.counting("synth", "clips") as show:
            synthesize(data_folder() / place, progress=show, on_event=progress.say)
    return scan(locate(place))


def _to_train_on(corpus: Corpus, progress: Progress) -> Corpus:
    """Return a further corpus without the clips that its own ``split`` column keeps for validation or testing."""
    parts = corpus.columns.get("split", ())
    kept = [clip for clip, part in enumerate(parts) if part is None or str(part).strip().lower() == "train"]
    if not kept or len(kept) == len(corpus):
        return corpus
    n_left_out = len(corpus) - len(kept)
    progress.say(f"corpus: left out {n_left_out:,} clips that {corpus.root} names for validation or testing")
    return corpus.select(kept)
