"""What ``--help`` prints: commands by task, options whole at any width, examples to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from audiomnist.cli.output import result_console

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST = 100
_NARROW = 64  # below this many columns, what an option does stands under its name
_NAME = "bold cyan"
_HEADING = "bold"


def verb_path(ctx: Any) -> str:
    """Return the command of a context as a user types it: "audiomnist config show"."""
    above = verb_path(ctx.parent) if ctx.parent else "audiomnist"
    return f"{above} {ctx.info_name}" if ctx.parent else above


def _print_help(verb: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    console = result_console()
    console.width = min(console.width, _WIDEST)
    arguments = [each for each in verb.params if isinstance(each, TyperArgument)]
    options = [each for each in verb.get_params(ctx) if isinstance(each, TyperOption)]
    command = ["COMMAND"] if isinstance(verb, TyperGroup) else []
    values = [_value(each) if each.required else f"[{_value(each)}]" for each in arguments]
    usage = " ".join([verb_path(ctx), *command, *values, "[OPTIONS]"])
    console.print(Text.assemble(("usage: ", _HEADING), usage), soft_wrap=False)
    console.print()
    paragraphs = (verb.help or "").split("\n\n")
    console.print("\n\n".join(" ".join(each.split()) for each in paragraphs), soft_wrap=False)
    for task, verbs in _by_task(verb).items():
        _print_section(console, task, {each.name or "": (each.help or "").partition("\n\n")[0] for each in verbs})
    _print_section(console, "Arguments", {_value(each): _help(each) for each in arguments})
    _print_section(console, "Options", {_option(each): _help(each) for each in options})
    if verb.epilog:
        console.print(Text("\nExamples", _HEADING))
        console.print("\n".join(f"  {line}" for line in verb.epilog.splitlines()))


def _by_task(verb: TyperCommand | TyperGroup) -> dict[str, list[Any]]:
    """Return the verbs of a group by their panel."""
    found: dict[str, list[Any]] = {}
    for each in verb.commands.values() if isinstance(verb, TyperGroup) else ():
        found.setdefault(getattr(each, "rich_help_panel", None) or "Commands", []).append(each)
    return found


def _print_section(console: Console, heading: str, texts: dict[str, str]) -> None:
    if not texts:
        return
    console.print(Text(f"\n{heading}", _HEADING))
    if console.width < _NARROW:
        for name, text in texts.items():
            console.print(Text(f"  {name}", _NAME))
            console.print(Padding(text, (0, 0, 0, 6)), soft_wrap=False)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style=_NAME, no_wrap=True, min_width=12)
    table.add_column()
    for name, text in texts.items():
        table.add_row(f"  {name}", text)
    console.print(table, soft_wrap=False)


def _option(option: TyperOption) -> str:
    value = "" if option.is_flag else f" {_value(option)}"
    return ", ".join(sorted(option.opts, key=len)) + value


def _value(parameter: TyperArgument | TyperOption) -> str:
    return parameter.metavar or (parameter.name or "").upper()


def _help(parameter: TyperArgument | TyperOption) -> str:
    default = parameter.default
    return f"{parameter.help}" if default is None or default is False else f"{parameter.help} (default: {default})"


class Verb(TyperCommand):
    """A verb with our help."""

    format_help = _print_help


class Group(TyperGroup):
    """A group of verbs with our help."""

    format_help = _print_help
