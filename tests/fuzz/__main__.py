"""``make fuzz``: each reader is given changed files, for so many minutes, by atheris (libFuzzer's coverage guides it).

What ends it is written to ``build/fuzz``; it becomes a test.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

FOUND = Path("build") / "fuzz"
MOST_BYTES, MOST_MEMORY_MB, LONGEST_S = 40_000, 3_000, 20


def fuzz(name: str, minutes: float, seed: int) -> bool:
    """Fuzz a reader in a process of its own; return whether nothing was found."""
    FOUND.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as seeds:
        words = ("--one", name, "--seeds", seeds, "--minutes", str(minutes), "--seed", str(seed))
        ran = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", *words], stderr=subprocess.PIPE, text=True, check=False
        )
    done = [line for line in ran.stderr.splitlines() if line.startswith(("stat::number_of_executed", "Done "))]
    sys.stdout.write(f"{name}: {'nothing found' if ran.returncode == 0 else 'FOUND'}; {' '.join(done)}\n")
    if ran.returncode:
        sys.stdout.write(ran.stderr[-3_000:] + "\n")
    sys.stdout.flush()
    return ran.returncode == 0


def fuzz_here(name: str, seeds: Path, minutes: float, seed: int) -> None:
    """Fuzz a reader in this process; it ends the process."""
    with atheris.instrument_imports(include=["audiomnist", "tarfile", "zipfile", "yaml"]):
        from tests.fuzz.readers import READERS
    reader = READERS[name]
    for number, content in enumerate(reader.seeds()):
        (seeds / f"{number}").write_bytes(content[:MOST_BYTES])
    options = {
        "max_total_time": round(60 * minutes),
        "max_len": MOST_BYTES,
        "rss_limit_mb": MOST_MEMORY_MB,
        "timeout": LONGEST_S,
        "seed": seed,
        "print_final_stats": 1,
        "artifact_prefix": f"{FOUND / name}-",
    }
    atheris.Setup([sys.argv[0], str(seeds), *(f"-{key}={value}" for key, value in options.items())], reader)
    atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--minutes", type=float, default=10, help="for each")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10_000 + 1)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        fuzz_here(arguments.one, arguments.seeds, arguments.minutes, arguments.seed)
    from tests.fuzz.readers import READERS

    sys.stdout.write(f"seed {arguments.seed}, {arguments.minutes:g} minutes each\n")
    names = arguments.readers or list(READERS)
    outcomes = [fuzz(name, arguments.minutes, arguments.seed) for name in names]
    sys.exit(0 if all(outcomes) else 1)
