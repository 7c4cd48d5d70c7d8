"""``make torture``: each verb is killed at many points of its writing, and finished by the same command."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.torture.torture import VERBS, torture


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verbs", nargs="*", default=VERBS)
    parser.add_argument("--points", type=int, default=30, help="of each verb")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    for verb in arguments.verbs:
        with tempfile.TemporaryDirectory() as folder:
            outcome = torture(verb, arguments.points, arguments.seed, Path(folder), say)
        say(f"{verb}: killed at {outcome.n_killed} of {outcome.n_points} points, finished alike each time")
