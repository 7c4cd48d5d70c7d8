"""``audiomnist prep``: make a corpus's mel features."""

from audiomnist import distributed
from audiomnist.cli import options
from audiomnist.cli.output import print_json, result_console
from audiomnist.cli.session import open_corpus, open_store


def prep(
    data: options.Data = None,
    exclude_file: options.ExcludeFile = None,
    version: options.Version = None,
    config: options.ConfigFile = None,
    set_: options.Changes = None,
    jobs: options.Jobs = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compute the mel features of a corpus once. Training does this by itself when it has to."""
    settings = options.resolve(version, config, set_, data=data)
    corpus = open_corpus(settings.data, exclude_file=exclude_file, quiet=quiet or json)
    store = open_store(corpus, settings.features, settings.data, quiet=quiet or json, jobs=jobs)
    distributed.go_on_alone()
    if json:
        print_json(
            {
                "store": store.path,
                "data": settings.data,
                "clips": len(store),
                "frames": store.index.n_rows,
                "bytes": store.n_bytes,
                "fingerprint": corpus.fingerprint,
            }
        )
        return
    console = result_console()
    console.print(f"{len(store):,} clips, {store.index.n_rows:,} frames, {store.n_bytes / 1e6:,.0f} MB in {store.path}")
