"""Typed documents: what is computed, written as JSON and read back is one model of plain values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from audiomnist.errors import DataError
from audiomnist.files import write_text

FORMAT = 1

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Nonnegative = Annotated[float, Field(ge=0)]


class Document(BaseModel):
    """Plain values that do not change; numbers are finite, and keys that are not known are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def plain(self) -> dict[str, JsonValue]:
        """Return the document as JSON has it."""
        return self.model_dump(mode="json")

    def save(self, path: Path) -> None:
        """Write the document as JSON."""
        write_text(path, json.dumps(self.plain(), indent=1, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path, hint: str = "restore the file, or make it again") -> Self:
        """Read what ``save`` wrote.

        Raises DataError for whatever is wrong with the file.
        """
        try:
            return cls.parse(path.read_bytes(), path, hint)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {fault_of(error)}", hint) from error

    @classmethod
    def parse(cls, text: str | bytes, path: Path, hint: str) -> Self:
        """Read a document from a text that stands in a file; raise DataError if it is none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise DataError(f"{path}: damaged, or not a file of this program ({fault_of(error)})", hint) from error


def fault_of(error: Exception) -> str:
    """Return in a few words why a file cannot be read: what is wrong first, and how much more there is."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if not isinstance(error, ValidationError):
        return str(error)
    first, *others = error.errors(include_url=False, include_context=False, include_input=False)
    where = ".".join(map(str, first["loc"]))
    more = f", and {len(others)} more faults" if others else ""
    return f"{where}: {first['msg']}{more}" if where else f"{first['msg']}{more}"


class Versioned(Document):
    """A document with a file of its own.

    Attributes
    ----------
    format : int
        Version of the document; files of a later one are refused.
    """

    format: int = Field(FORMAT, ge=1, le=FORMAT)
