"""Measure how well ``kfold --suspects`` finds wrong labels: give some clips a wrong one and see which it lists.

    python benchmarks/suspects.py                              2,000 synthetic clips, made once
    python benchmarks/suspects.py --data data/fsdd --seed 3    another corpus, other clips

Precision is the part of the list that was given a wrong label, recall the part of the wrong labels that is on the list.
A corpus may hold wrong labels of its own; those count as false alarms here.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from audiomnist.corpus import Corpus, scan
from audiomnist.synthesis.synthesize import synthesize

OUT = Path(__file__).parent / "out" / "suspects"


@dataclass(frozen=True)
class Figure:
    """How good the first clips of a list are; ``whole`` marks the list as it is."""

    voices: str
    length: int
    whole: bool
    precision: float
    recall: float


def write_manifest(corpus: Corpus, share: float, seed: int, file: Path) -> set[str]:
    """Write the corpus as a manifest with some wrong digits; return the paths of those clips, as the manifest says."""
    draw = np.random.default_rng(seed)
    wrong = draw.choice(len(corpus), round(share * len(corpus)), replace=False)
    digits = corpus.digits.copy()
    digits[wrong] = (digits[wrong] + draw.integers(1, 10, len(wrong))) % 10
    paths = [os.path.relpath(corpus.file(clip).resolve(), file.parent.resolve()) for clip in range(len(corpus))]
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("path", "digit", "speaker"))
        writer.writerows(zip(paths, digits.tolist(), corpus.speakers.tolist(), strict=True))
    return {paths[clip] for clip in wrong.tolist()}


def measure(manifest: Path, wrong: set[str], version: str, folds: int, group: tuple[str, ...]) -> list[Figure]:
    """Run a cross validation and hold its list against the truth."""
    words = (sys.executable, "-m", "audiomnist", "kfold", "--suspects", "--json", "--version", version)
    done = subprocess.run(
        (*words, "--data", str(manifest), "--folds", str(folds), *group),
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"AUDIOMNIST_HOME": str(OUT)},
    )
    with Path(json.loads(done.stdout)["suspects"]["files"]["csv"]).open(newline="", encoding="utf-8") as lines:
        hits = np.array([row["path"] in wrong for row in csv.DictReader(lines)], dtype=bool)
    lengths = sorted({length for length in (len(wrong) // 2, len(wrong)) if length < len(hits)} | {len(hits)})
    voices = "unseen" if group else "known"
    return [
        Figure(
            voices=voices,
            length=length,
            whole=length == len(hits),
            precision=float(hits[:length].mean()) if length else 0.0,
            recall=float(hits[:length].sum() / max(len(wrong), 1)),
        )
        for length in lengths
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="corpus; by default 2,000 synthetic clips")
    parser.add_argument("--share", type=float, default=0.02, help="of the clips that get a wrong label")
    parser.add_argument("--seed", type=int, default=0, help="decides which, and what label")
    parser.add_argument("--version", default="v2")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    place = options.data or OUT / "synthetic"
    if options.data is None and not place.exists():
        synthesize(place, speakers=20, repetitions=10)
    corpus = scan(place)
    name = f"{place.resolve().stem}-{options.share:g}-{options.seed}"
    wrong = write_manifest(corpus, options.share, options.seed, OUT / f"{name}.csv")
    figures = [
        figure
        for group in ((), ("--group", "speaker"))
        for figure in measure(OUT / f"{name}.csv", wrong, options.version, options.folds, group)
    ]
    table = Table(title=f"{len(wrong)} wrong labels among {len(corpus):,} clips, {options.version}")
    for column in ("voices", "clips", "precision", "recall"):
        table.add_column(column, justify="left" if column == "voices" else "right")
    for figure in figures:
        length = f"{figure.length} (the list)" if figure.whole else f"first {figure.length}"
        table.add_row(figure.voices, length, f"{figure.precision:.3f}", f"{figure.recall:.3f}")
    Console().print(table)
    document = {"clips": len(corpus), "wrong": len(wrong), "figures": [asdict(figure) for figure in figures]}
    (OUT / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
