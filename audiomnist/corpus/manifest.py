"""Reading a manifest: a .csv or .jsonl file with a clip per line."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from audiomnist.errors import DataError, printable

MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl"})

Entry = TypeVar("Entry")


def _word(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    if not text.isprintable():
        raise ValueError("is not plain text")
    return text


def _digit(text: str) -> str:
    if text not in tuple("0123456789"):
        raise ValueError("is not one of 0-9")
    return text


class Line(BaseModel):
    """A clip as a manifest names it; what else stands in its line is in ``others``.

    The digit is empty in a manifest of other words.
    """

    model_config = ConfigDict(extra="allow", frozen=True, coerce_numbers_to_str=True, str_strip_whitespace=True)

    path: Annotated[str, AfterValidator(_word)]
    digit: Annotated[str, AfterValidator(_digit)] = ""
    speaker: Annotated[str, AfterValidator(_word)]

    @property
    def others(self) -> dict[str, object]:
        """The values of further columns: numbers and None as they are, all else as text without control characters."""
        return {printable(name): _cell(value) for name, value in (self.model_extra or {}).items()}


def read_lines(path: Path) -> Iterator[tuple[int, Line | str]]:
    """Yield every line of a manifest: its number, and the clip or what is wrong with it.

    Raises DataError if the file is not a manifest, or not text.
    """
    suffix = path.suffix.lower()
    if suffix not in MANIFEST_SUFFIXES:
        raise DataError(f"{path} is not a corpus", "give --data a folder, or a manifest ending in .csv or .jsonl")
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            yield from _csv_lines(text) if suffix == ".csv" else _json_lines(text)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}", "save it again as UTF-8 text") from error


def _csv_lines(text: Iterable[str]) -> Iterator[tuple[int, Line | str]]:
    reader = csv.DictReader(text)
    names = reader.fieldnames or []
    missing = [name for name, field in Line.model_fields.items() if field.is_required() and name not in names]
    if names and missing:
        other = next((sign for sign in (";", "\t", "|") if len(names) == 1 and sign in names[0]), None)
        fault = f"columns are separated by {other!r}; separate them by commas" if other else f"no {missing[0]} column"
        yield 1, f"{fault} (the first line is {printable(','.join(names))[:80]!r})"
        return
    for row in reader:
        entry = {name: value for name, value in row.items() if name and value is not None}
        yield reader.line_num, _line(Line.model_validate, entry)


def _json_lines(text: Iterable[str]) -> Iterator[tuple[int, Line | str]]:
    for number, line in enumerate(text, start=1):
        if line.strip():
            yield number, _line(Line.model_validate_json, line)


def _line(validate: Callable[[Entry], Line], entry: Entry) -> Line | str:
    try:
        return validate(entry)
    except ValidationError as error:
        return "; ".join(_fault(**fault) for fault in error.errors())


def _fault(*, loc: tuple[int | str, ...], type: str, msg: str, input: Any, **_: Any) -> str:
    if not loc:  # the line as a whole
        return msg
    if type == "missing":
        return f"no {loc[0]}"
    reason = msg.removeprefix("Value error, ") if type == "value_error" else "is not text"
    return f"{loc[0]} {printable(repr(input))[:80]} {reason}"


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return printable(value if isinstance(value, str) else json.dumps(value))
