"""A clock that is set back all the while: nothing but names and dates of what is written goes by it."""

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.command import SMALL, Outcome, weights
from tests.cli.conftest import Trained

SET_BACK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*read_clock)(clockid_t, struct timespec *);
    static long n_minutes;
    if (!read_clock) read_clock = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = read_clock(clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec -= 60 * __atomic_add_fetch(&n_minutes, 1, __ATOMIC_RELAXED);
    return failed;
}
"""


@pytest.fixture(scope="module")
def set_back(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of an environment where every look at the wall clock finds it a minute earlier."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("the clock of a process is set back by a C function, on Linux")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    words = ("-x", "c", "-", "-shared", "-fPIC", "-o", str(library), "-ldl")
    subprocess.run([compiler, *words], input=SET_BACK, text=True, check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


def audiomnist(clock: dict[str, str], *words: object) -> Outcome:
    ran = subprocess.run(
        [sys.executable, "-m", "audiomnist", *map(str, words)], env=clock, capture_output=True, text=True, check=False
    )
    return Outcome(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.slow
def test_a_clock_set_back_changes_no_result(set_back: dict[str, str], trained: Trained, tmp_path: Path) -> None:
    look = "from datetime import datetime as d; print(d.now()); print(d.now())"
    first, second = subprocess.run(
        [sys.executable, "-c", look], env=set_back, capture_output=True, text=True, check=True
    ).stdout.split("\n")[:2]
    assert datetime.fromisoformat(second) < datetime.fromisoformat(first)
    run = tmp_path / "run"
    words = ("--data", trained.corpus, *SMALL, "--set", "optim.epochs=2", "--run", run, "--json")
    outcome = audiomnist(set_back, "train", *words)
    assert outcome.exit_code == 0, outcome
    assert weights(run) == weights(trained.run)
    assert outcome.json["loss"] == trained.document["loss"]
    assert outcome.json["seconds"] >= 0
    assert all(json.loads(line)["seconds"] >= 0 for line in (run / "history.jsonl").read_text().splitlines())
    for _ in range(2):
        again = audiomnist(set_back, "evaluate", run, "--data", trained.corpus, "--json")
        assert again.exit_code == 0, again
        assert again.json["n_test"] == 120
    assert len(list((run / "evaluations").iterdir())) == 1
