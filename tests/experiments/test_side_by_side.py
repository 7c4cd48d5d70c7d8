from pathlib import Path

import pytest

from audiomnist.errors import Notice
from tests.cli.command import SMALL, succeeds
from tests.conftest import MakeCorpus


def test_notices_of_worker_processes_reach_the_parent(
    make_corpus: MakeCorpus, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    corpus, run = make_corpus(tmp_path / "corpus", speakers=2, repetitions=2), tmp_path / "run"
    words = ("--data", corpus, *SMALL, "--set", "optim.epochs=2", "--folds", 2, "-q")
    succeeds("kfold", *words, "--run", run)
    for fold in (run / "fold-0", run / "fold-1"):
        (fold / "state.pt").write_bytes(b"damaged")
        (fold / "metrics.json").unlink()
    with pytest.warns(Notice, match="continuing from state.before.pt"):
        succeeds("kfold", "--resume", run, "--jobs", 2, "-q")
    assert capfd.readouterr().err == ""
