"""``make mutation``: small faults are made in code one by one; the share that its tests notice is printed."""

import argparse
import importlib
import os
import resource
import sys
import time
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from tests.mutation.changes import Change, changes

# Processor time that the tests may take with a fault in the code, by what they take without; a busy machine is no hang.
MOST_TIME = 4
ROOT = Path(__file__).parents[2]
TESTS = {
    "evaluation.metrics": ("evaluation/test_metrics.py", "evaluation/test_groups.py"),
    "evaluation.calibration": ("evaluation/test_calibration.py",),
    "evaluation.intervals": ("evaluation/test_intervals.py",),
    "evaluation.comparison": ("evaluation/test_comparison.py",),
    "corpus.splits": ("corpus/test_splits.py", "corpus/test_schemes.py", "corpus/test_speech_commands.py"),
    "training.loss": ("training/test_loss.py",),
    "training.optimizer": ("training/test_optimizer.py",),
    "training.transforms": ("training/test_transforms.py", "training/test_augment.py"),
}


class Mutation:
    """A plugin of pytest that runs the tests once for every fault, each time in a fork that has loaded them already."""

    def __init__(self, module_name: str, every: int) -> None:
        self._module = importlib.import_module(f"audiomnist.{module_name}")
        faults = list(changes(Path(self._module.__file__ or "")))
        self._faults = faults[::every]
        self.survivors: list[Change] = []
        self.has_run = False

    @property
    def n_faults(self) -> int:
        """How many were made."""
        return len(self._faults)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests as they are, and then with every fault."""
        assert session.items
        started_s = time.process_time()
        assert _pass(session.items), "the tests fail as they are"
        self._longest_s = round(MOST_TIME * (time.process_time() - started_s)) + 1
        self.has_run = True
        # That an example fails must be seen, again the same one, and no small one be looked for; most faults need few.
        as_it_is = settings(settings.default, phases=[Phase.generate], derandomize=True)
        settings.register_profile("short", as_it_is, max_examples=5)
        settings.register_profile("full", as_it_is)
        for fault in self._faults:
            if not any(self._is_noticed(fault, session.items, profile) for profile in ("short", "full")):
                self.survivors.append(fault)
        return True

    def _is_noticed(self, fault: Change, tests: list[pytest.Item], profile: str) -> bool:
        """Make a fault in a fork of this process and run the tests there; one that hangs has been noticed."""
        child = os.fork()
        if child == 0:
            noticed = True
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (self._longest_s, self._longest_s))
                settings.load_profile(profile)
                fault.make(self._module)
                noticed = not _pass(tests)
            finally:  # also where the module can't be loaded with the fault
                os._exit(noticed)
        return os.waitpid(child, 0)[1] != 0


def _pass(tests: list[pytest.Item]) -> bool:
    """Run tests until one fails; what they share stays made."""
    following = [*tests[1:], tests[0]]
    return all(
        report.outcome != "failed"
        for test, following_one in zip(tests, following, strict=True)
        for report in runtestprotocol(test, log=False, nextitem=following_one)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(TESTS))
    parser.add_argument("--every", type=int, default=1, help="make one fault of so many")
    arguments = parser.parse_args()
    n_noticed = n_all = 0
    for name in arguments.modules:
        started = time.monotonic()
        plugin = Mutation(name, arguments.every)
        tests = [str(ROOT / "tests" / test) for test in TESTS[name]]
        pytest.main([*tests, "-q", "-o", "addopts=", "-p", "no:cacheprovider", "--capture=no"], [plugin])
        if not plugin.has_run:
            return 1
        n_noticed_here = plugin.n_faults - len(plugin.survivors)
        n_all, n_noticed = n_all + plugin.n_faults, n_noticed + n_noticed_here
        for fault in plugin.survivors:
            sys.stdout.write(f"  {name}:{fault.line}: {fault.what}\n")
        sys.stdout.write(
            f"{name}: {n_noticed_here / plugin.n_faults:.3f}, {n_noticed_here} of {plugin.n_faults} noticed, "
            f"{time.monotonic() - started:.0f} s\n"
        )
        sys.stdout.flush()
    sys.stdout.write(f"all: {n_noticed / n_all:.3f}, {n_noticed} of {n_all}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
