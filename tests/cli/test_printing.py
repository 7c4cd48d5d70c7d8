"""What a terminal of 80 columns and 24 lines shows of a result, and a pipe."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from audiomnist.cli.printing import print_result, print_runs, print_table
from audiomnist.reports.table import Table, markdown_table
from audiomnist.reports.wording import accuracy, confidence, ends, number
from audiomnist.runs.listing import Summary
from audiomnist.runs.results import CrossValidation, Result
from audiomnist.runs.scores import Estimate

GOLDEN = Path(__file__).parents[1] / "golden" / "runs"


def printed(show: Callable[[Console], None], *, width: int = 80, terminal: bool = True) -> list[str]:
    file = io.StringIO()
    show(Console(file=file, width=width, force_terminal=terminal, color_system=None, soft_wrap=True, markup=False))
    return file.getvalue().splitlines()


@pytest.fixture
def result() -> Result:
    return Result.load(GOLDEN / "train" / "metrics.json")


def renamed(result: Result, speaker: str) -> Result:
    """Return a result whose worst speaker is called otherwise."""
    (_, worst), *others = result.groups["speaker"].items()
    return result.model_copy(update={"groups": {"speaker": {speaker: worst, **dict(others)}}})


def test_a_result_fits_one_screen(result: Result) -> None:
    lines = printed(lambda console: print_result(console, result, Path("runs/train")))
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 100
    assert lines[0] == "accuracy 0.250, 95 % interval 0.13-0.44, 4 speakers"
    assert "Most frequent mistakes: 5 as 9 (4 of 4), 0 as 6 (3 of 4), 1 as 6 (3 of 3)." in lines
    assert "  audiomnist report runs/train" in lines


def test_details_add_groups_classes_and_calibration(result: Result) -> None:
    lines = printed(lambda console: print_result(console, result, Path("runs/train"), details=True))
    for heading in ("By speaker, lowest accuracy first", "By digit, lowest recall first", "Expected calibration error"):
        assert any(line.startswith(heading) for line in lines)


def test_a_cross_validation_says_mean_and_folds() -> None:
    found = CrossValidation.load(GOLDEN / "kfold" / "metrics.json")
    lines = printed(lambda console: print_result(console, found, Path("runs/kfold"), details=True))
    assert lines[1] == "mean over 4 folds 0.269 ± 0.027"
    assert any(line.split() == ["2", "jackson", "40", "0.225", "2.000"] for line in lines)


@pytest.mark.parametrize("width", [30, 50, 80])
def test_a_number_is_never_broken(result: Result, width: int) -> None:
    lines = printed(lambda console: print_result(console, result, Path("runs/train")), width=width)
    matrix = [line for line in lines if line.split()[:1] == ["9"]]
    assert [line.split() for line in matrix] == ([["9", *".........", "3", "1.000"]] if width >= 50 else [])


@pytest.mark.parametrize("width", [40, 60, 80])
def test_on_a_terminal_no_word_is_broken_and_no_command(result: Result, width: int) -> None:
    def show(console: Console) -> None:
        print_result(console, result, Path("runs/20260101-120000-v4 with a long name"), details=True)

    whole, narrow = printed(show, terminal=False), printed(show, width=width)
    words = {word for line in whole for word in line.split()}
    assert {word for line in narrow for word in line.split() if not word.startswith("─")} <= words
    commands = [line for line in whole if line.startswith("  audiomnist ")]
    assert len(commands) == 3
    assert [line for line in narrow if line.startswith("  audiomnist ")] == commands
    prose = [line for line in narrow if "20260101" not in line]
    assert max(map(len, prose)) <= width


def test_names_cannot_steer_the_terminal(result: Result) -> None:
    evil = renamed(result, "\x1b[31mann\nbob $x$")
    lines = printed(lambda console: print_result(console, evil, Path("run"), details=True), terminal=False)
    assert not any("\x1b" in line for line in lines)
    assert any(r"\x1b[31mann\nbob $x$, 0.125 of 8 clips" in line for line in lines)


def test_a_run_to_copy_stays_whole_in_a_narrow_terminal() -> None:
    name = "20261126-104420-kfold-v4-tiny"
    run = Summary(
        name=name,
        path=Path(name),
        version="v4-tiny",
        kind="kfold",
        folds=5,
        split="speaker",
        data="fsdd",
        epochs=50,
        epochs_asked=50,
        accuracy=0.95,
        started=datetime(2026, 11, 26),
        resume=None,
    )
    for width in (60, 80):
        lines = printed(lambda console: print_runs(console, [run], [], Path("runs")), width=width)
        assert any(line.startswith(f"{name} ") and "0.950" in line for line in lines)


def test_a_pipe_gets_whole_lines() -> None:
    table = Table("long", ("a", "b"), (("x" * 200, "1"),))
    assert any("x" * 200 in line for line in printed(lambda console: print_table(console, table), terminal=False))


def test_numbers_are_written_one_way() -> None:
    assert [accuracy(value) for value in (0.0, 0.95, 0.9996, 1.0)] == ["0.000", "0.950", "0.999", "1.000"]
    assert [number(value, 4) for value in (-0.00001, -0.5, 1234.5)] == ["0.0000", "-0.5000", "1,234.5000"]
    assert [confidence(value) for value in (0.0, 0.5, 0.9999)] == ["<0.001", "0.500", ">0.999"]
    wide = Estimate(accuracy=0.95, low=0.93, high=0.96, over="speakers", n=9, n_speakers=6)
    assert ends(wide) == "0.93-0.96"
    assert ends(wide.model_copy(update={"low": 0.955})) == "0.955-0.960"


def test_markdown_keeps_names_as_they_are() -> None:
    text = markdown_table(Table("by *speaker*", ("speaker", "clips"), (("a|b\n<i>", "1,000"),)))
    assert text.splitlines()[-1] == r"| a\|b\\n\<i\> | 1,000 |"
    assert "|---|---:|" in text
