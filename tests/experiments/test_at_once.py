"""The same work begun twice at the same moment: both come to the same, or one is told that the other is at it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from audiomnist.config import Features
from audiomnist.corpus import scan
from audiomnist.errors import DataError
from audiomnist.experiments.evaluate import evaluate
from audiomnist.experiments.train import train
from audiomnist.features import prepare
from audiomnist.features.store import stores_folder
from audiomnist.runs.evaluation_folder import EvaluationFolder
from audiomnist.runs.folder import RunFolder
from tests.cli.command import SMALL, weights
from tests.cli.conftest import Trained, trained

__all__ = ["trained"]
SETTINGS = [change for change in SMALL if change != "--set"]


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do several works in threads that begin together; return what each returned, or its DataError."""
    together = Barrier(len(works))

    def begun(work: Callable[[], Any]) -> Any:
        together.wait()
        try:
            return work()
        except DataError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begun, works))


@pytest.mark.parametrize("n_earlier", [0, 1])
def test_two_preps_make_one_store(small_corpus: Path, n_earlier: int) -> None:
    features = Features(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=8 + n_earlier)
    corpus = scan(small_corpus)
    for _ in range(n_earlier):
        prepare(corpus, features, jobs=1)
    stores = at_once(*[lambda: prepare(corpus, features, jobs=1)] * 3)
    assert {store.path for store in stores} == set(stores_folder().iterdir())
    for store in stores:
        store.check()


def test_two_evaluations_of_one_test_leave_a_whole_folder(trained: Trained, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "run")
    results = at_once(*[lambda: evaluate(run, str(trained.corpus))] * 2)
    assert len({result.result.accuracy for result in results}) == 1
    (folder,) = (EvaluationFolder(path) for path in (run / "evaluations").iterdir())
    assert folder.result().n_test == 120
    assert folder.load_config().version == "v2"


def test_a_folder_that_a_killed_evaluation_left_is_taken(trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ".record.json.tmp-00000000-1-00000000-0.json").write_text("{")
    assert evaluate(trained.run, out=out).folder.result().own_test


def test_of_two_trainings_into_one_run_one_is_told(trained: Trained, tmp_path: Path) -> None:
    run = tmp_path / "run"
    work = lambda: train(run=run, data=str(trained.corpus), settings=SETTINGS)  # noqa: E731
    results = at_once(work, work)
    told = [result for result in results if isinstance(result, DataError)]
    assert len(told) == 1
    assert str(run) in told[0].message
    assert RunFolder(run).result().is_finished


def test_training_beside_a_prep_of_the_same_clips(trained: Trained, tmp_path: Path) -> None:
    features = RunFolder(trained.run).load_config().features
    corpus = scan(trained.corpus)
    result, _ = at_once(
        lambda: train(run=tmp_path / "run", data=str(trained.corpus), settings=[*SETTINGS, "optim.epochs=2"]),
        lambda: prepare(corpus, features, jobs=1),
    )
    assert weights(tmp_path / "run") == weights(trained.run)
    assert result.loss == json.loads((trained.run / "metrics.json").read_text())["loss"]
