"""What can go wrong for a user, each kind with the exit code a script sees."""

import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path


class AudiomnistError(Exception):
    """Something the user can correct.

    Parameters
    ----------
    message : str
        What was wrong, and where: the path, key or value.
    hint : str
        What to do next, a command where there is one.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        # Names of files and keys come from strangers; only the line breaks are ours.
        self.message = "\n".join(map(printable, message.split("\n")))
        self.hint = "\n".join(map(printable, hint.split("\n")))
        super().__init__(self.message)


class UsageError(AudiomnistError):
    """Options that do not go together."""

    exit_code = 2


class DataError(AudiomnistError):
    """Recordings, a store or a run that is missing or broken."""

    exit_code = 3


class ConfigError(AudiomnistError):
    """A setting that is wrong, or that this machine cannot serve."""

    exit_code = 4


class ThresholdError(AudiomnistError):
    """A result below the threshold asked for."""

    exit_code = 5


class Interrupted(AudiomnistError):
    """The user stopped the work; what was reached is on disk."""

    exit_code = 130


class Terminated(Interrupted):
    """The system stopped the work (SIGTERM); what was reached is on disk."""

    exit_code = 143


def printable(text: object) -> str:
    """Return a text with control characters, surrogates and the like written as escapes, fit for a terminal."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in shown)


class Notice(UserWarning):
    """What a user should know of work that goes on."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest known word, or an empty string."""
    nearest = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{nearest[0]}'?" if nearest else ""


def indented(lines: Sequence[object], *, more: str = "") -> str:
    """Return the first ten lines, indented, and how many there are beyond them; ``more`` says where to see those."""
    tail = [f"  and {len(lines) - 10} more{more}"] if len(lines) > 10 else []
    return "\n".join([*(f"  {line}" for line in lines[:10]), *tail])


def some(names: Iterable[object], most: int = 10) -> str:
    """Return the first names, and how many there are beyond them."""
    shown = [str(name) for name in names]
    more = f" and {len(shown) - most:,} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def count(n: int, name: str) -> str:
    """Return how many there are: "1 clip", "3,000 clips"."""
    return f"{n:,} {name if n == 1 else f'{name}s'}"


def command(words: str, *arguments: object) -> str:
    """Return a command line with its last arguments quoted, so that it can be copied into a shell as it stands."""
    texts = (shown(argument) if isinstance(argument, Path) else str(argument) for argument in arguments)
    return " ".join([words, *map(shlex.quote, texts)])


def shown(path: Path) -> str:
    """Return a path as a user types it: below the working folder, what leads there from it."""
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else str(path)
