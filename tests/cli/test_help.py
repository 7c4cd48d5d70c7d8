import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from audiomnist import __version__
from audiomnist.cli.app import app
from tests.cli.command import succeeds

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
    monkeypatch.setenv("COLUMNS", "300")
    shown = succeeds(*path, "--help").stdout
    assert [parameter.name for parameter in VERBS[path].params if not parameter.help] == []
    assert [parameter.help for parameter in VERBS[path].params if parameter.help not in shown] == []


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
