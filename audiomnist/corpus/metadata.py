"""AudioMNIST's speaker metadata, with its known faults corrected and reported."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomnist.errors import DataError, printable

FILE_NAME = "audioMNIST_meta.txt"
CHECKSUMS_NAME = "manifest.jsonl"  # of what was downloaded
COLUMNS = {
    "gender": "gender",
    "accent": "accent",
    "age": "age",
    "origin": "origin",
    "native speaker": "native",
    "recordingroom": "room",
}
_SPELLINGS = {"vr-romm": "vr-room"}
_OLDEST = 120


@dataclass(frozen=True)
class Speakers:
    """What is known of each speaker, by column, and what was corrected on reading."""

    columns: Mapping[str, Mapping[str, Any]]
    corrections: tuple[str, ...]


def read_speakers(path: Path) -> Speakers:
    """Read ``audioMNIST_meta.txt``: JSON keyed by speaker.

    Spellings that differ only by case are made one (``german``, ``German``), ages become integers and
    impossible ones unknown (speaker 45 is "1234"), ``vr-romm`` becomes ``vr-room``.

    Raises DataError if the file is not JSON of that shape.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        raw = {
            column: {speaker: entry.get(key) for speaker, entry in entries.items()} for key, column in COLUMNS.items()
        }
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{printable(path)}: not speaker metadata ({error})", "restore the file, or delete it"
        ) from error
    corrections: list[str] = []
    types = Counter(map(type, raw["age"].values()))
    if types[int] and types[str]:
        corrections.append(f"ages are numbers for {types[int]} speakers and text for {types[str]}; all become numbers")
    columns = {}
    for column, values in raw.items():
        if all(value is None for value in values.values()):
            continue
        is_age = column == "age"
        corrected = {speaker: _age(value) for speaker, value in values.items()} if is_age else _one_spelling(values)
        corrections += [
            f"speaker {printable(speaker)}: {column} {value!r} read as {corrected[speaker]!r}"
            for speaker, value in values.items()
            if value != corrected[speaker] and not (is_age and str(value) == str(corrected[speaker]))
        ]
        columns[column] = corrected
    return Speakers(columns, tuple(corrections))


def _age(value: Any) -> int | None:
    try:
        years = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return years if 0 < years <= _OLDEST else None


def _one_spelling(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Replace each value by the commonest of those that differ from it only by case."""
    texts = {speaker: printable(value.strip()) for speaker, value in values.items() if isinstance(value, str)}
    commonest: dict[str, str] = {}
    for text, _ in reversed(Counter(texts.values()).most_common()):
        commonest[text.lower()] = text
    keys = {speaker: _SPELLINGS.get(text.lower(), text.lower()) for speaker, text in texts.items()}
    return {speaker: commonest.get(keys[speaker], keys[speaker]) if speaker in keys else None for speaker in values}
