from pathlib import Path

import pytest

from tests.torture.torture import torture

pytest.importorskip("fcntl")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["prep", "train"])
def test_a_killed_command_finishes_as_an_unbroken_one(verb: str, tmp_path: Path) -> None:
    assert torture(verb, 5, 0, tmp_path).n_killed == 5
