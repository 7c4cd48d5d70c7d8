"""The ``audiomnist`` command: its verbs, and what an error looks like."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from audiomnist import __version__
from audiomnist.cli import config, evaluate, kfold, prep, synth, train
from audiomnist.cli.output import report_error
from audiomnist.errors import AudiomnistError, Interrupted, UsageError


class Verbs(TyperGroup):
    """The verbs; whatever goes wrong in one becomes a message and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note whether JSON is wanted before anything can go wrong."""
        ctx.obj = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        wants_json = bool(ctx.obj)
        try:
            return super().invoke(ctx)
        except AudiomnistError as error:
            failure = error
        except TyperException as error:
            if not wants_json:
                raise
            failure = UsageError(error.format_message(), "see --help")
        except KeyboardInterrupt:
            failure = Interrupted("interrupted")
        report_error(failure, as_json=wants_json)
        raise typer.Exit(failure.exit_code)


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("synth")(synth.synth)
app.command("prep")(prep.prep)
app.command("train")(train.train)
app.command("kfold")(kfold.kfold)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(config.app, name="config")


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version of the program.")) -> None:
    """Train, measure and use recognisers of spoken digits."""
    if version:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    app()
