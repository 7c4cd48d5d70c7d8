"""The ``audiomnist`` command: its verbs, and what an error looks like."""

import errno
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from audiomnist import __version__, distributed, stopping
from audiomnist.cli import (
    analyze,
    compare,
    config,
    demo,
    download,
    evaluate,
    explain,
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
from audiomnist.cli.help import Group, Verb, verb_path
from audiomnist.cli.output import message_console, report_error
from audiomnist.errors import AudiomnistError, ConfigError, DataError, Notice, UsageError, command

_WORKS = "audiomnist.works"
SHARED_WORK = {"prep", "train", "kfold", "evaluate"}


class Verbs(Group):
    """The verbs; whatever goes wrong in one becomes a message and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words before the verb; note first whether JSON and work are wanted."""
        ctx.obj = "--json" in args
        ctx.meta[_WORKS] = not {"-h", "--help"} & set(args)
        with _failures_reported(as_json=ctx.obj):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        with _failures_reported(as_json=ctx.obj):
            result = super().invoke(ctx)
            distributed.leave()
            return result


@contextmanager
def _failures_reported(*, as_json: bool) -> Iterator[None]:
    try:
        with distributed.lost_connections_reported():
            yield
        return
    except typer.Exit:
        raise
    except AudiomnistError as error:
        failure = error
    except TyperException as error:
        context = getattr(error, "ctx", None)
        failure = UsageError(error.format_message(), f"see: {verb_path(context) if context else 'audiomnist'} --help")
    except ModuleNotFoundError as error:
        package = (error.name or "audiomnist").partition(".")[0]
        if package == "audiomnist":
            _one_process_reports(1)
            raise
        failure = ConfigError(
            f"this needs {package}, which is not installed here",
            "pip install audiomnist; audiomnist-runtime has only what 'predict' needs for an .onnx model",
        )
    except OSError as error:
        if error.filename is None and error.errno not in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}:
            _one_process_reports(1)
            raise
        where = f"{error.filename}: " if error.filename else ""
        failure = DataError(f"{where}{error.strerror}", "check the path, its permissions and free space on the disk")
    except KeyboardInterrupt as stop:
        failure = stopping.as_error(stop, "stopped", f"start again: {command('audiomnist', *sys.argv[1:])}")
    except Exception:
        _one_process_reports(1)
        raise
    _one_process_reports(failure.exit_code)
    report_error(failure, as_json=as_json)
    raise typer.Exit(failure.exit_code)


def _one_process_reports(exit_code: int) -> None:
    """Continue in the process that reports a failure; end the others of its machine silently."""
    if not distributed.may_report():
        raise typer.Exit(exit_code) from None


_VERBS: dict[str, dict[Callable[..., None], tuple[str, ...]]] = {
    "Get data": {
        download.download: ("audiomnist download", "audiomnist download fsdd --from mirror/fsdd.zip"),
        synth.synth: ("audiomnist synth", "audiomnist synth --speakers 60 --repetitions 50 --out big"),
        validate.validate: ("audiomnist validate --data recordings --deep",),
        analyze.analyze: ("audiomnist analyze --data recordings",),
        prep.prep: ("audiomnist prep --data fsdd", "audiomnist prep --prune"),
    },
    "Train": {
        train.train: (
            "audiomnist train --version v4 --data fsdd --split speaker",
            "audiomnist train --config mine.yaml --set optim.epochs=20",
            "audiomnist train --resume runs/20260101-120000-v4",
        ),
        kfold.kfold: (
            "audiomnist kfold --folds 6 --group speaker --data fsdd",
            "audiomnist kfold --folds 5 --data fsdd --suspects",
        ),
    },
    "Measure": {
        evaluate.evaluate: (
            "audiomnist evaluate",
            "audiomnist evaluate digits --data fsdd --data mine.csv",
            "audiomnist evaluate runs/mine --robustness --min-accuracy 0.95",
        ),
        compare.compare: ("audiomnist compare runs/A runs/B",),
        report.report: ("audiomnist report runs/mine",),
        runs.runs: ("audiomnist runs",),
    },
    "Use a model": {
        predict.predict: (
            "audiomnist predict seven.wav",
            "audiomnist predict calls --segment --csv numbers.csv",
            "audiomnist predict --model runs/mine - < seven.wav",
        ),
        demo.demo: ("audiomnist demo", "audiomnist demo --host 0.0.0.0 --tls"),
        live.live: ("audiomnist live --continuous",),
        explain.explain: ("audiomnist explain digits seven.wav --digit 1", "audiomnist explain runs/mine --data fsdd"),
        export.export: (
            "audiomnist export digits --format onnx --out digits.onnx",
            "audiomnist export runs/mine --format bundle --out mine.zip",
        ),
    },
}
_START = """Train, measure and use recognisers of spoken digits. To begin:

  audiomnist demo                      # say digits to the built-in model
  audiomnist synth                     # make a small corpus to try things out
  audiomnist train --data synthetic    # train a recogniser on it and test it

All commands: audiomnist --help
"""

app = typer.Typer(
    cls=Verbs,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _panel, _verbs in _VERBS.items():
    for _verb, _examples in _verbs.items():
        app.command(cls=Verb, rich_help_panel=_panel, epilog="\n".join(_examples))(_verb)
app.add_typer(config.app, name="config", rich_help_panel="Train")


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version of the program.")] = False,
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
    if not ctx.invoked_subcommand:
        sys.stdout.write(_START)
        raise typer.Exit(UsageError.exit_code)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    warnings.showwarning = partial(_show_warning, warnings.showwarning)
    with stopping.handled():
        app()


def _show_warning(otherwise: Callable[..., None], message: object, category: type[Warning], *where: Any) -> None:
    if issubclass(category, Notice):
        message_console().print(f"warning: {message}")
    else:
        otherwise(message, category, *where)
