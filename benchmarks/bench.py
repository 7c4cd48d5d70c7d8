"""Measure the program against the limits of the machine it runs on, all in one run.

    make bench                                                   3,000 synthetic clips
    python benchmarks/bench.py --repetitions 50 --whole          30,000 clips, AudioMNIST's shape, and whole commands
    python benchmarks/bench.py --threads 1 --only learning       one core, one part
    python benchmarks/bench.py --compare benchmarks/out/old.json

Every figure stands beside a limit measured in turn with it: machines differ and are noisy, so the ratio is what counts.
Of rates more is better and a ratio of 1 reaches the limit; of seconds, milliseconds and megabytes less is better.
"""

import argparse
import os
import time
from pathlib import Path

from rich.console import Console

from audiomnist.corpus import scan
from audiomnist.synthesis.synthesize import synthesize
from suite.commands import help_imports, memory_figures, start_up_figures, whole_figures
from suite.learning import Learner, gathering_figure, testing_figure, training_figures
from suite.measuring import Figure, limit_threads, machine
from suite.predicting import predicting_figures
from suite.reading import reading_figures
from suite.reporting import document, load_figures, table, write

OUT = Path(__file__).parent / "out"
PARTS = ("reading", "learning", "predicting", "commands")
VERSIONS = ("v1", "v2", "v3", "v4", "v4-tiny")
DETAILED = ("v2", "v4")  # one of each front end
WHOLE = ("v1", "v2", "v3", "v4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5, help="clips of each digit by each of 60 voices")
    parser.add_argument("--threads", type=int, help="threads and cores to use; PyTorch's own choice by default")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts to measure")
    parser.add_argument("--whole", action="store_true", help="also time 'audiomnist train' as a whole: minutes")
    parser.add_argument("--json", type=Path, default=OUT / "bench.json", help="where to write the figures")
    parser.add_argument("--compare", type=Path, help="figures of an earlier run")
    options = parser.parse_args()
    before = load_figures(options.compare) if options.compare else {}
    if options.threads:
        limit_threads(options.threads)

    started = time.perf_counter()
    root = OUT / f"synthetic-60x{options.repetitions}"
    if not root.exists():
        synthesize(root, speakers=60, repetitions=options.repetitions, jobs=options.threads)
    corpus, home = scan(root), OUT / "home"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["AUDIOMNIST_HOME"] = str(home)
    learners = {version: Learner.of(version, corpus) for version in VERSIONS}
    figures: list[Figure] = []
    if "reading" in options.only:
        figures += reading_figures(corpus, options.threads)
    if "learning" in options.only:
        for version, learner in learners.items():
            figures += training_figures(version, learner)
        for version in DETAILED:
            figures += [gathering_figure(version, learners[version]), testing_figure(version, learners[version])]
    if "predicting" in options.only:
        for version in DETAILED:
            figures += predicting_figures(version, learners[version], corpus, options.threads)
    if "commands" in options.only:
        figures += [*start_up_figures(root, home), *memory_figures(root, home)]
    if options.whole:
        for version in WHOLE:
            figures += whole_figures(version, learners[version], root, home)

    console = Console(highlight=False)
    console.print(table(figures, before), width=None if console.is_terminal else 10_000)
    imported = help_imports()
    console.print(f"audiomnist --help imports, of the heavy packages: {', '.join(imported) or 'none'}")
    facts = {"machine": machine(), "clips": len(corpus), "seconds": time.perf_counter() - started}
    known = ", ".join(f"{key} {value}" for key, value in facts["machine"].items())
    console.print(f"{len(corpus):,} clips, {known}; measured in {facts['seconds']:.0f} s")
    write(options.json, document(figures, **facts, help_imports=imported))


if __name__ == "__main__":
    main()
