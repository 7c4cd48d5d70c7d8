"""Steps that several verbs share: finding the corpus, preparing its features, naming a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from audiomnist import distributed, stopping
from audiomnist.cli.output import chatter_console, progress
from audiomnist.errors import AudiomnistError, command, indented, printable

if TYPE_CHECKING:
    from audiomnist.config import Config, Features
    from audiomnist.corpus import Corpus
    from audiomnist.features import FeatureStore
    from audiomnist.runs.folder import RunFolder

_MANY_CUT = 0.01


def open_corpus(place: str, *, exclude_file: str | Path | None = None, quiet: bool) -> "Corpus":
    """Scan a corpus, without the clips that a file lists; the synthetic one is made first if it is not there yet."""
    from audiomnist.corpus.exclusion import without

    corpus = distributed.by_first(lambda: _found(place, quiet=quiet))
    n_speakers = len(set(corpus.speakers.tolist()))
    console = chatter_console(quiet)
    console.print(f"corpus: {len(corpus):,} clips of {n_speakers} speakers in {corpus.root}")
    if corpus.strays:
        shown = ", ".join(corpus.strays[:3]) + (", ..." if len(corpus.strays) > 3 else "")
        console.print(f"corpus: left aside {len(corpus.strays):,} files that are no clips: {shown}")
    if corpus.other_words:
        console.print(f"corpus: left aside {len(corpus.other_words):,} recordings of other words")
    if exclude_file is None:
        return corpus
    kept = without(corpus, Path(exclude_file))
    console.print(f"corpus: left out {len(corpus) - len(kept):,} clips listed in {exclude_file}")
    return kept


def _found(place: str, *, quiet: bool) -> "Corpus":
    from audiomnist.corpus import scan
    from audiomnist.corpus.places import data_folder, locate

    if place == "synthetic" and not (data_folder() / place).exists():
        from audiomnist.synthesis.synthesize import synthesize

        with progress("synth", "clips", quiet=quiet) as show:
            synthesize(data_folder() / place, progress=show, on_event=chatter_console(quiet).print)
    return scan(locate(place))


def open_corpora(config: "Config", *, quiet: bool) -> "tuple[Corpus, Corpus]":
    """Return the corpus of a configuration, and the same with the clips of its further corpora behind its own."""
    own = _labelled(open_corpus(config.data, exclude_file=config.exclude_file, quiet=quiet), config.target, quiet=quiet)
    every = own
    for place in config.extra_data:
        extra = _to_train_on(_labelled(open_corpus(place, quiet=quiet), config.target, quiet=quiet), quiet=quiet)
        every = every.joined(extra, place_name(place))
    return own, every


def _to_train_on(corpus: "Corpus", *, quiet: bool) -> "Corpus":
    """Return a further corpus without the clips that its own ``split`` column keeps for validation or testing."""
    parts = corpus.columns.get("split", ())
    kept = [clip for clip, part in enumerate(parts) if part is None or str(part).strip().lower() == "train"]
    if not kept or len(kept) == len(corpus):
        return corpus
    chatter_console(quiet).print(
        f"corpus: left out {len(corpus) - len(kept):,} clips that {corpus.root} names for validation or testing"
    )
    return corpus.select(kept)


def _labelled(corpus: "Corpus", target: str, *, quiet: bool) -> "Corpus":
    """Return the clips whose label is known."""
    from audiomnist.corpus.targets import with_known_labels

    labelled = with_known_labels(corpus, target)
    if len(labelled) < len(corpus):
        left_out = len(corpus) - len(labelled)
        chatter_console(quiet).print(f"corpus: left out {left_out:,} clips of which the {target} is not known")
    return labelled


def open_prepared(config: "Config", *, quiet: bool, strict: bool) -> "tuple[Corpus, Corpus, FeatureStore]":
    """Return what ``open_corpora`` does, without the clips that cannot be used, and the store of all of them."""
    own, every = open_corpora(config, quiet=quiet)
    usable, store = open_store(every, config.features, config.data, quiet=quiet, strict=strict)
    return own.select(store.kept[store.kept < len(own)]) if store.left_out else own, usable, store


def open_store(
    corpus: "Corpus", features: "Features", place: str, *, quiet: bool, strict: bool = False, jobs: int | None = None
) -> "tuple[Corpus, FeatureStore]":
    """Return the clips of a corpus that can be used, and their features; if need be they are computed now.

    Those that cannot be used are named. If the features have to be computed, a look at names and headers comes first.
    """
    from audiomnist.features import is_prepared, prepare

    if distributed.rank() == 0 and not is_prepared(corpus, features):
        _warn_of_faults(place, jobs, quiet=quiet)
    with progress("prep", "clips", quiet=quiet) as show:
        store = prepare(corpus, features, jobs=jobs, strict=strict, progress=show)
    if store.left_out:
        listed = indented([f"{printable(clip.path)}: {clip.reason}" for clip in store.left_out])
        chatter_console(quiet).print(f"prep: left out {len(store.left_out):,} clips that cannot be used\n{listed}")
    return store.of(corpus), store


def _warn_of_faults(place: str, jobs: int | None, *, quiet: bool) -> None:
    from audiomnist.corpus.places import locate
    from audiomnist.corpus.validation import validate

    validation = validate(locate(place), jobs=jobs)
    n_errors = len(validation.errors)
    n_warnings = len(validation.findings) - n_errors
    if n_errors or n_warnings:
        see = command("audiomnist validate --data", place)
        chatter_console(quiet).print(f"validate: {n_errors:,} errors, {n_warnings:,} warnings; see: {see}")


def warn_of_cuts(store: "FeatureStore", config: "Config", *, quiet: bool) -> None:
    """Say so if the window is shorter than more than 1 % of the clips."""
    from audiomnist.corpus.lengths import cut_share

    clip_ms = config.window.clip_ms
    if clip_ms == "auto":
        return
    share = cut_share(store.index.n_samples, config.features.sample_rate, clip_ms)
    if share > _MANY_CUT:
        chatter_console(quiet).print(
            f"warning: window.clip_ms={clip_ms} cuts {share:.1%} of the clips; choose a longer one with --set"
        )


def open_run(path: Path | None) -> "RunFolder":
    """Return the run at a path, or the newest one."""
    from audiomnist.runs.folder import RunFolder

    return distributed.by_first(lambda: RunFolder.newest() if path is None else RunFolder.open(path))


def stopped(by: BaseException, reached: str, hint: str) -> AudiomnistError:
    """Return what to tell of work that was stopped by Ctrl-C, or by the end of another process of the job."""
    if isinstance(by, distributed.JobEnded):
        return distributed.JobEnded(f"{by.message}; {reached}", hint)
    return stopping.as_error(by, reached, hint)


def with_lasting_places(config: "Config") -> "Config":
    """Return a configuration whose corpora are the same seen from any folder."""

    def lasting(places: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(absolute(place) for place in places)

    return config.model_copy(
        update={
            "data": absolute(config.data),
            "extra_data": lasting(config.extra_data),
            "augment": config.augment.model_copy(update={"noise_data": lasting(config.augment.noise_data)}),
            "no_digit": config.no_digit.model_copy(update={"data": lasting(config.no_digit.data)}),
        }
    )


def absolute(place: str) -> str:
    """Return a place so that it means the same from any folder: names stay, paths become absolute."""
    from audiomnist.corpus.places import data_folder, locate

    path = locate(place)
    return place if path == data_folder() / place else str(path.resolve())


def place_name(place: str) -> str:
    """Return a name for what is found out about a place: the folder's, or the manifest's without its suffix."""
    from audiomnist.corpus.places import locate

    path = locate(place).resolve()
    return path.stem if path.is_file() else path.name
