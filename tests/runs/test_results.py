import json
import math
from pathlib import Path
from typing import Any

import pytest

from audiomnist.errors import DataError
from audiomnist.runs.comparison import Comparison
from audiomnist.runs.results import CrossValidation, EpochRecord, Result
from audiomnist.runs.robustness import Robustness

GOLDEN = Path(__file__).parent.parent / "golden"
RUNS = GOLDEN / "runs"
RESULT = json.loads((RUNS / "train/metrics.json").read_text())


def missing(old: Any, new: Any, at: str = "") -> list[str]:
    """Return what a document had that another has not, or has otherwise."""
    if isinstance(old, dict):
        lost = [f"{at}.{key}" for key in old if key not in new]
        both = old.keys() & new.keys() - {"verdict"}  # a sentence, made from the numbers when it is asked for
        return lost + [each for key in both for each in missing(old[key], new[key], f"{at}.{key}")]
    if isinstance(old, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [each for number, (one, other) in pairs for each in missing(one, other, f"{at}.{number}")]
    same = math.isclose(old, new) if isinstance(old, float) else old == new
    return [] if same else [at]


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("train/metrics.json", Result),
        ("train/evaluations/other/metrics.json", Result),
        ("train/evaluations/test/metrics.json", Result),
        ("train/evaluations/test/robustness.json", Robustness),
        ("kfold/metrics.json", CrossValidation),
        ("kfold/fold-2/metrics.json", Result),
        ("../printed/compare-json.txt", Comparison),
    ],
)
def test_a_file_of_the_version_before_keeps_all_its_keys(
    file: str, kind: type[Result] | type[Robustness] | type[CrossValidation] | type[Comparison], tmp_path: Path
) -> None:
    document = kind.load(RUNS / file)
    assert missing(json.loads((RUNS / file).read_text()), document.plain()) == []
    document.save(tmp_path / "again.json")
    assert kind.load(tmp_path / "again.json") == document


def test_own_tests_are_told_from_those_of_another_corpus() -> None:
    assert Result.load(RUNS / "train/evaluations/test/metrics.json").own_test
    assert not Result.load(RUNS / "train/evaluations/other/metrics.json").own_test


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[" * 100_000,
        "[]",
        "{}",
        *(json.dumps({**RESULT, key: value}) for key in ("accuracy", "loss") for value in (-5, float("nan"), "much")),
        json.dumps({**RESULT, "accuracy": 0.9}),
        json.dumps({**RESULT, "n_test": 33}),
        json.dumps({**RESULT, "groups": {}}),
        json.dumps({**RESULT, "format": 99}),
        *(
            json.dumps({name: value for name, value in RESULT.items() if name != key})
            for key in ("accuracy", "calibration", "confusion", "data", "epochs", "interval", "loss", "run", "seed")
        ),
    ],
)
def test_whatever_is_wrong_with_a_result_is_one_error(text: str, tmp_path: Path) -> None:
    file = tmp_path / "metrics.json"
    file.write_text(text)
    with pytest.raises(DataError) as error:
        Result.load(file)
    assert str(file) in error.value.message
    assert len(error.value.message) < len(str(file)) + 300


@pytest.mark.parametrize("line", ["{}", "[]", '{"epoch": 1', "\xff"])
def test_an_epoch_that_is_none_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="history"):
        EpochRecord.parse(line.encode("latin-1"), tmp_path / "history.jsonl", "")
