"""What an experiment starts from: its corpora, found, and their features, prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiomnist import distributed
from audiomnist.config import Config, Features
from audiomnist.corpus.measures import cut_share
from audiomnist.corpus.places import data_folder, locate, short_name
from audiomnist.corpus.scan import Corpus, scan, without
from audiomnist.corpus.targets import UNKNOWN, Labels, labels
from audiomnist.corpus.validation import validate
from audiomnist.errors import ConfigError, command, count, indented, printable
from audiomnist.experiments.progress import Progress
from audiomnist.features.prep import prepare
from audiomnist.features.store import FeatureStore, store_path

_MANY_CUT = 0.01


@dataclass(frozen=True)
class Inputs:
    """The clips of an experiment with their features and classes.

    Attributes
    ----------
    corpus : Corpus
        Clips to divide into training and test, and behind them those of further corpora, to train on.
    store : FeatureStore
        Has the same clips in the same order.
    labels : Labels
        What a network should say of each clip.
    n_left_out : int
        Clips that cannot be used.
    """

    corpus: Corpus
    store: FeatureStore
    labels: Labels
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
    if config.extra_data and config.target == "speaker":
        raise ConfigError(
            "a further corpus has other speakers than those to recognise",
            "leave out --extra-data, or choose another --target",
        )
    corpus = labelled(open_corpus(config.data, progress, config.exclude_file), config.target, classes, progress)
    known = classes or labels(corpus, config.target).classes
    for place in config.extra_data:
        extra = labelled(open_corpus(place, progress), config.target, known, progress)
        corpus = corpus.joined(_to_train_on(extra, progress), short_name(place))
    corpus, store = open_store(corpus, config.features, config.data, progress, strict=strict)
    classes = classes or labels(corpus.own, config.target).classes
    return Inputs(corpus, store, labels(corpus, config.target, classes), len(store.left_out))


def open_corpus(place: str, progress: Progress, exclude_file: str | Path | None = None) -> Corpus:
    """Scan a corpus, without the clips that a file lists; the synthetic one is made first if it is not there yet."""

    def found() -> Corpus:
        if place == "synthetic" and not (data_folder() / place).exists():
            from audiomnist.synthesis.synthesize import synthesize

            with progress.counting("synth", "clips") as show:
                synthesize(data_folder() / place, progress=show, on_event=progress.say)
        return scan(locate(place))

    corpus = distributed.by_first(found)
    n_speakers = len(set(corpus.speakers.tolist()))
    progress.say(f"corpus: {len(corpus):,} clips of {n_speakers} speakers in {corpus.root}")
    if corpus.strays:
        shown = ", ".join(corpus.strays[:3]) + (", ..." if len(corpus.strays) > 3 else "")
        progress.say(f"corpus: ignored {len(corpus.strays):,} files that are not clips: {shown}")
    if corpus.other_words:
        progress.say(f"corpus: ignored {len(corpus.other_words):,} recordings of other words")
    if exclude_file is None:
        return corpus
    kept = without(corpus, Path(exclude_file))
    progress.say(f"corpus: left out {len(corpus) - len(kept):,} clips listed in {exclude_file}")
    return kept


def labelled(corpus: Corpus, target: str, classes: Sequence[str] | None, progress: Progress) -> Corpus:
    """Return the clips whose class is known, one of ``classes`` where they are given; ConfigError if there are none."""
    known = np.flatnonzero(labels(corpus, target, classes).of_clips != UNKNOWN)
    if not len(known):
        raise ConfigError(
            f"no clip in {corpus.root} has a {target} of {', '.join(classes or ())}", "name another corpus"
        )
    if n_left_out := len(corpus) - len(known):
        progress.say(f"corpus: left out {n_left_out:,} clips whose {target} is unknown, or not a class of the network")
    return corpus.select(known)


def open_store(
    corpus: Corpus, features: Features, place: str, progress: Progress, *, strict: bool = False, jobs: int | None = None
) -> tuple[Corpus, FeatureStore]:
    """Return the clips of a corpus that can be used, and their features; names and headers are checked first."""
    if distributed.rank() == 0 and not store_path(corpus, features).exists():
        validation = validate(locate(place))
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


def warn_of_cuts(store: FeatureStore, config: Config, progress: Progress) -> None:
    """Say so if the window is shorter than more than 1 % of the clips."""
    clip_ms = config.window.clip_ms
    if clip_ms == "auto":
        return
    share = cut_share(store.index.n_samples, config.features.sample_rate, clip_ms)
    if share > _MANY_CUT:
        cut = f"{100 * share:.1f} % of the clips"
        progress.say(f"warning: window.clip_ms={clip_ms} cuts {cut}; choose a longer one with --set")


def _to_train_on(corpus: Corpus, progress: Progress) -> Corpus:
    """Return a further corpus without the clips that its own ``split`` column keeps for validation or testing."""
    parts = corpus.columns.get("split", ())
    kept = [clip for clip, part in enumerate(parts) if part is None or str(part).strip().lower() == "train"]
    if not kept or len(kept) == len(corpus):
        return corpus
    n_left_out = len(corpus) - len(kept)
    progress.say(f"corpus: left out {n_left_out:,} clips that {corpus.root} sets aside for validation or testing")
    return corpus.select(kept)
