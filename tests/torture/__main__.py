"""``make torture``: each verb is killed at many points of its writing, and finished by the same command."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.torture import VERBS, Torture

_FEWER = {"export-onnx": 3}  # it takes ten seconds, and writes as the export of a page does


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verbs", nargs="*", default=VERBS)
    parser.add_argument("--points", type=int, default=30, help="of the writing of each verb")
    parser.add_argument("--moments", type=int, default=6, help="of each verb, at random")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--verbose", action="store_true", help="tell of every kill")
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory() as folder, Torture(Path(folder)) as torture:
        for verb in arguments.verbs:
            started = time.monotonic()
            n_points, n_moments = (number // _FEWER.get(verb, 1) for number in (arguments.points, arguments.moments))
            tell = say if arguments.verbose else lambda text: None
            outcome = torture.kill(verb, n_points, n_moments, arguments.seed, tell)
            say(
                f"{verb}: killed at {outcome.n_at_points} of its {outcome.n_points} points and at "
                f"{outcome.n_at_moments} moments, finished alike each time, {time.monotonic() - started:.0f} s"
            )
