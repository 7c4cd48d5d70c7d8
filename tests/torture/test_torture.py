from collections.abc import Iterator

import pytest

from tests.torture.torture import Torture

pytest.importorskip("fcntl")


@pytest.fixture(scope="module")
def torture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Torture]:
    with Torture(tmp_path_factory.mktemp("torture")) as torture:
        yield torture


@pytest.mark.parametrize(
    ("verb", "n_points"),
    [
        ("download", 4),
        ("prep", 4),
        pytest.param("train", 3, marks=pytest.mark.slow),
        pytest.param("export", 3, marks=pytest.mark.slow),
    ],
)
def test_a_killed_command_finishes_as_an_unbroken_one(torture: Torture, verb: str, n_points: int) -> None:
    assert torture.kill(verb, n_points, 0, seed=0).n_at_points == n_points
