"""What people are told of clips whose label looks wrong."""

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audiomnist.errors import command

if TYPE_CHECKING:
    from audiomnist.reports.suspects_page import SuspectList

_SHOWN = 10


def print_suspects(console: Console, found: "SuspectList", left_out_by: str | None) -> None:
    """Print how many labels look wrong, the first of them, and what to do with them.

    Parameters
    ----------
    left_out_by : str, optional
        The list of clips that this run left out already.
    """
    count = len(found.suspects)
    if not count:
        console.print(f"no label of {found.n_tested:,} looks wrong")
        return
    console.print(_table(found))
    verdict = Text(f"{count:,} of {found.n_tested:,} labels look wrong", "bold")
    console.print(verdict.append(f" ({count / found.n_tested:.1%}): {found.csv}", "not bold"))
    if found.n_unseen:
        console.print(found.judged_by)
    console.print(f"look and listen: {found.page}")
    if left_out_by:
        console.print(f"this run left clips out already: add those of {left_out_by} to the list")
    without = command("audiomnist kfold --config", found.folder / "config.yaml", "--exclude-file", found.csv)
    console.print(f"next, without them: {without}")


def _table(found: "SuspectList") -> Table:
    hidden = len(found.suspects) - _SHOWN
    title = "labels that look wrong, the surest first" + (
        f" ({hidden:,} more in {found.csv.name})" if hidden > 0 else ""
    )
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="", pad_edge=False)
    table.add_column("clip", style="bold", overflow="fold")
    table.add_column("label")
    table.add_column("heard as")
    table.add_column("with", justify="right")
    table.add_column("label with", justify="right")
    table.add_column("speaker", overflow="fold")
    table.add_column("voice")
    for suspect in found.suspects[:_SHOWN]:
        names = (suspect.path, suspect.label, suspect.prediction)
        figures = (f"{suspect.probability:.1%}", f"{suspect.label_probability:.2%}")
        table.add_row(*map(Text, names), *figures, Text(suspect.speaker), suspect.voice)
    return table
