"""A table of texts, which the terminal, a page and a model card each show in their own way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiomnist.errors import printable

if TYPE_CHECKING:
    from audiomnist.runs.scores import Estimate

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")
_CODE = re.compile(r"(`[^`\n]*`)")
_NUMBER = re.compile(r"[<>]?[-+]?[\d,.]+( ?[-±/] ?[\d,.]+)?( ?%)?|[-.]?")


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes
    ----------
    title : str
        What the table shows.
    columns : tuple of str
    rows : tuple of tuple of str
        As many cells each as there are columns.
    note : str
        What the reader has to know of it: what a number means, and in which direction it is good.
    estimates : tuple of Estimate
        By row, where each row is an accuracy with its interval, which a page draws as well.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    estimates: tuple[Estimate, ...] = ()

    @classmethod
    def of_columns(
        cls, title: str, columns: Mapping[str, Sequence[str]], note: str = "", estimates: Sequence[Estimate] = ()
    ) -> Table:
        """Return a table of columns by their headings, without those that have no cells."""
        kept = {heading: cells for heading, cells in columns.items() if cells}
        return cls(title, tuple(kept), tuple(zip(*kept.values(), strict=True)), note, tuple(estimates))

    def is_number(self, place: int) -> bool:
        """Whether most cells of a column are numbers, which stand below each other to the right."""
        return 2 * sum(bool(_NUMBER.fullmatch(cells[place])) for cells in self.rows) > len(self.rows)


def markdown_text(text: str) -> str:
    """Return a text that Markdown shows as it stands, but for what is in backticks."""
    parts = _CODE.split(printable(text))
    return "".join(part if _CODE.fullmatch(part) else _SPECIAL.sub(r"\\\1", part) for part in parts)


def markdown_table(table: Table) -> str:
    """Return a table in Markdown, under its title."""
    lines = [f"| {' | '.join(map(markdown_text, cells))} |" for cells in (table.columns, *table.rows)]
    note = ["", markdown_text(table.note)] if table.note else []
    rule = "|" + "".join("---:|" if place and table.is_number(place) else "---|" for place in range(len(table.columns)))
    return "\n".join([f"{markdown_text(table.title)}:", "", lines[0], rule, *lines[1:], *note])
