"""``audiomnist runs``: which runs there are."""

from audiomnist.cli import options
from audiomnist.cli.output import print_json, result_console
from audiomnist.files import home


def runs(json: options.Json = False) -> None:
    """List the runs, the newest last."""
    from audiomnist.cli.printing import print_runs
    from audiomnist.runs.listing import list_runs

    folder = home() / "runs"
    found, others = list_runs(folder)
    if json:
        listed = {"runs": [run.plain() for run in found], "others": [other.plain() for other in others]}
        print_json({"folder": folder, **listed})
        return
    print_runs(result_console(), found, others, folder)
