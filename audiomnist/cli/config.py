"""``audiomnist config``: show, check and copy configurations."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from audiomnist.cli.help import Group, Verb
from audiomnist.cli.options import Changes, Json
from audiomnist.cli.output import print_json, result_console, say_commands
from audiomnist.errors import UsageError, command
from audiomnist.files import write_text
from audiomnist.shipped import version_path, versions

app = typer.Typer(cls=Group, help="Show, check and copy configurations.")

Name = Annotated[str, typer.Argument(help=f"One of {', '.join(versions())}, or a file.", metavar="NAME|FILE")]


def _path(name: str) -> Path:
    return Path(name) if Path(name).suffix in {".yaml", ".yml"} else version_path(name)


@app.command(cls=Verb, epilog="audiomnist config show v4")
def show(name: Name, set_: Changes = None, json: Json = False) -> None:
    """Print a configuration in full, with every default."""
    from audiomnist.config import load

    config = load(_path(name), set_ or ())
    if json:
        print_json(config.model_dump(mode="json"))
    else:
        sys.stdout.write(config.to_yaml())


@app.command(cls=Verb, epilog="audiomnist config validate mine.yaml")
def validate(
    file: Annotated[Path, typer.Argument(help="Configuration file.", metavar="FILE")], json: Json = False
) -> None:
    """Check a configuration; all errors are shown at once."""
    from audiomnist.config import load

    config = load(file)
    if json:
        print_json({"file": file, "valid": True, "version": config.version})
    else:
        sys.stdout.write(f"{file}: valid\n")


@app.command(cls=Verb, epilog="audiomnist config copy v4 mine.yaml")
def copy(
    name: Name, file: Annotated[Path, typer.Argument(help="New file.", metavar="FILE")], json: Json = False
) -> None:
    """Copy a configuration, with its comments, to a file of your own."""
    from audiomnist.config import read_text

    if file.exists():
        raise UsageError(f"{file} exists already", "name a new file")
    text = read_text(_path(name))
    first, _, rest = text.partition("\n")
    write_text(file, f"# {command('audiomnist train --config', file)}\n{rest}" if first.startswith("#") else text)
    if json:
        print_json({"file": file})
    else:
        say_commands(result_console(), f"{file}: a copy of {name}; next", command("audiomnist train --config", file))
