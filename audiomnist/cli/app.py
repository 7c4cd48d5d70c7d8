"""The ``audiomnist`` command: its verbs, and what an error looks like."""

import errno
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from audiomnist import __version__, distributed, stopping
from audiomnist.cli import (
    analyze,
    compare,
    config,
    demo,
    download,
    evaluate,
    export,
    kfold,
    live,
    predict,
    prep,
    report,
    runs,
    synth,
    train,
    validate,
)
from audiomnist.cli.output import message_console, report_error
from audiomnist.errors import AudiomnistError, ConfigError, DataError, Notice, UsageError, command

_WORKS = "audiomnist.works"
SHARED_WORK = {"prep", "train", "kfold", "evaluate"}


class Verbs(TyperGroup):
    """The verbs; whatever goes wrong in one becomes a message and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words before the verb; note first whether JSON and work are wanted."""
        ctx.obj = "--json" in args
        ctx.meta[_WORKS] = not {"-h", "--help"} & set(args)
        with _failures_told(as_json=ctx.obj):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        with _failures_told(as_json=ctx.obj):
            result = super().invoke(ctx)
            distributed.leave()
            return result


@contextmanager
def _failures_told(*, as_json: bool) -> Iterator[None]:
    try:
        with distributed.ends_told():
            yield
        return
    except typer.Exit:
        raise
    except AudiomnistError as error:
        failure = error
    except TyperException as error:
        if not as_json:
            _one_process_tells(error.exit_code)
            raise
        failure = UsageError(error.format_message(), "see --help")
    except ModuleNotFoundError as error:
        package = (error.name or "audiomnist").partition(".")[0]
        if package == "audiomnist":
            _one_process_tells(1)
            raise
        failure = ConfigError(
            f"this needs {package}, which is not installed here",
            "pip install audiomnist; audiomnist-runtime has what 'predict' with an .onnx model needs",
        )
    except OSError as error:
        if error.filename is None and error.errno not in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}:
            _one_process_tells(1)
            raise
        where = f"{error.filename}: " if error.filename else ""
        failure = DataError(f"{where}{error.strerror}", "check the path, its permissions and free space on the disk")
    except KeyboardInterrupt as stop:
        failure = stopping.as_error(stop, "stopped", f"start again: {command('audiomnist', *sys.argv[1:])}")
    except Exception:
        _one_process_tells(1)
        raise
    _one_process_tells(failure.exit_code)
    report_error(failure, as_json=as_json)
    raise typer.Exit(failure.exit_code)


def _one_process_tells(exit_code: int) -> None:
    """Go on in the process that tells of a failure; end the others of its machine without a word."""
    if not distributed.may_tell():
        raise typer.Exit(exit_code) from None


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("download")(download.download)
app.command("synth")(synth.synth)
app.command("validate")(validate.validate)
app.command("analyze")(analyze.analyze)
app.command("prep")(prep.prep)
app.command("train")(train.train)
app.command("kfold")(kfold.kfold)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("export")(export.export)
app.command("demo")(demo.demo)
app.command("live")(live.live)
app.command("report")(report.report)
app.command("runs")(runs.runs)
app.command("compare")(compare.compare)
app.add_typer(config.app, name="config")


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version of the program.")
) -> None:
    """Train, measure and use recognisers of spoken digits."""
    if ctx.invoked_subcommand and ctx.meta[_WORKS]:
        if ctx.invoked_subcommand in SHARED_WORK:
            distributed.begin()
        elif distributed.is_one_of_several():
            raise UsageError(f"{ctx.invoked_subcommand} runs in one process", "start it without torchrun")
    if version:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    warnings.showwarning = partial(_show_warning, warnings.showwarning)
    with stopping.heard():
        app()


def _show_warning(otherwise: Callable[..., None], message: object, category: type[Warning], *where: Any) -> None:
    if issubclass(category, Notice):
        message_console().print(f"warning: {message}")
    else:
        otherwise(message, category, *where)
