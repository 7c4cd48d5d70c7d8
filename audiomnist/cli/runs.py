"""``audiomnist runs``: which runs there are."""

from rich.text import Text

from audiomnist.cli import options
from audiomnist.cli.output import print_json, result_console
from audiomnist.cli.tables import print_wide, runs_table
from audiomnist.files import home


def runs(json: options.Json = False) -> None:
    """List the runs in the runs folder, the newest last."""
    from audiomnist.runs.listing import list_runs

    folder = home() / "runs"
    found, others = list_runs(folder)
    if json:
        listed = {"runs": [run.as_json() for run in found], "others": [other.as_json() for other in others]}
        print_json({"folder": folder, **listed})
        return
    console = result_console()
    if found:
        print_wide(console, runs_table(found, f"runs in {folder}, newest last"))
    else:
        console.print(f"there is no run in {folder}; make one: audiomnist train")
    for run in found:
        if run.resume:
            console.print(f"unfinished: {run.name}; go on: {run.resume}")
    for other in others:
        console.print(Text.assemble(("not a run:", "yellow"), f" {other.name}: {other.problem.splitlines()[0]}"))
