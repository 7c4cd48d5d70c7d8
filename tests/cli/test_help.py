import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from audiomnist import __version__
from audiomnist.cli.app import app
from tests.cli.command import audiomnist, succeeds

HEAVY = {"torch", "torchaudio", "numpy", "pydantic", "yaml", "sklearn", "matplotlib", "scipy", "soundfile"}
SHOW_HELP = """
import contextlib, sys
from audiomnist.cli.app import app
with contextlib.suppress(SystemExit):
    app(["--help"])
print("imported:", *sorted(name for name in sys.modules if "." not in name))
"""


def verbs(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb with its parser, those below another too."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from verbs(command, (*path, name))


VERBS = dict(verbs())


def test_help_comes_without_any_heavy_import() -> None:
    process = subprocess.run([sys.executable, "-c", SHOW_HELP], capture_output=True, text=True, check=True)
    shown, _, imported = process.stdout.partition("imported:")
    assert all(" ".join(path) in shown for path in VERBS if len(path) == 1)
    assert not HEAVY & set(imported.split())


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_every_verb_says_what_it_does(path: tuple[str, ...]) -> None:
    assert VERBS[path].help
    assert succeeds(*path, "-h").stdout == succeeds(*path, "--help").stdout


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_every_option_says_what_it_does(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (40, 60, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown, _, examples = succeeds(*path, "--help").stdout.partition("\nExamples\n")
        assert max(map(len, shown.splitlines())) <= columns
        assert not re.search("<(bool|str|int|path|float)|list\\[", shown)
        for parameter in VERBS[path].params:
            assert parameter.help
            assert parameter.help.split()[0] in shown
            assert all(name in shown.split() or f"{name}," in shown.split() for name in parameter.opts if "-" in name)
        assert all(f"  {line}\n" in examples for line in (VERBS[path].epilog or "").splitlines())


@pytest.mark.parametrize("path", [path for path, command in VERBS.items() if not hasattr(command, "commands")])
def test_every_verb_has_an_example_that_works(path: tuple[str, ...]) -> None:
    command = VERBS[path]
    for line in command.epilog.splitlines():
        words = shlex.split(line.partition(" <")[0])
        assert words[: len(path) + 1] == ["audiomnist", *path]
        command.make_context(path[-1], words[len(path) + 1 :])


def test_the_command_alone_says_how_to_begin() -> None:
    outcome = audiomnist()
    assert outcome.exit_code == 2
    lines = outcome.stdout.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("  audiomnist")]
    assert len(commands) == 3
    for _, verb, *words in commands:
        VERBS[(verb,)].make_context(verb, words)


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_has_colours_unless_it_asks_for_none(variables: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[1;36m" in on_terminal("--help", variables=variables)) == coloured


def on_terminal(*words: str, variables: dict[str, str]) -> str:
    """Return what the command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    command = [sys.executable, "-m", "audiomnist", *words]
    with subprocess.Popen(command, stdout=theirs, env=environment | {"TERM": "xterm"} | variables):
        os.close(theirs)
        chunks = []
        while chunk := _read(ours):
            chunks.append(chunk)
    os.close(ours)
    return b"".join(chunks).decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other end was closed
        return b""


@pytest.mark.parametrize("path", [path for path, command in VERBS.items() if not hasattr(command, "commands")])
def test_every_verb_can_print_json(path: tuple[str, ...]) -> None:
    assert "--json" in {name for parameter in VERBS[path].params for name in parameter.opts}


def test_the_version_is_the_packages() -> None:
    assert succeeds("--version").stdout == f"{__version__}\n"


def test_the_package_runs_as_a_module() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "audiomnist", "--version"], capture_output=True, text=True, check=True
    )
    assert process.stdout == f"{__version__}\n"
