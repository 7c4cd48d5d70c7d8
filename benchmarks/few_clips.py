"""Fine-tune each fold of a cross validation by speaker on a few clips of its voice: python benchmarks/few_clips.py RUN

RUN is a 'kfold --group speaker' run on a corpus whose clips are named <digit>_<speaker>_<index>, such as FSDD.
"""

import argparse
import csv
import json
import statistics
from pathlib import Path

from typer.testing import CliRunner

from audiomnist.cli.app import app
from audiomnist.corpus import scan


def main() -> None:
    """Print the accuracy on the rest of each voice, before and after."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data/fsdd"))
    parser.add_argument("--clips", type=int, default=5, help="of each digit")
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    corpus = scan(arguments.data)
    results = []
    for fold in sorted(arguments.run.glob("fold-*")):
        with (fold / "split.csv").open(newline="", encoding="utf-8") as file:
            tested = {row["path"] for row in csv.DictReader(file) if row["part"] == "test"}
        manifest = fold / "few.csv"
        rows = ["path,digit,speaker,split"]
        speaker = ""
        for clip, path in enumerate(corpus.paths):
            if path in tested:
                speaker = str(corpus.speakers[clip])
                part = "train" if corpus.repetitions[clip] < arguments.clips else "test"
                rows.append(f"{corpus.file(clip).resolve()},{corpus.digits[clip]},{speaker},{part}")
        manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")
        words = ["--from", str(fold / "model.safetensors"), "--data", str(manifest), "--split", "manifest", "--json"]
        accuracies = []
        for name, changes in (("before", ["optim.epochs=1", "optim.lr=1e-12"]), ("after", arguments.set)):
            options = [option for change in changes for option in ("--set", change)]
            run = ["--run", str(fold / f"few-{name}")]
            outcome = CliRunner().invoke(app, ["train", *words, *options, *run], catch_exceptions=False)
            accuracies.append(json.loads(outcome.stdout)["accuracy"])
        results.append(accuracies)
        print(f"{speaker}: {accuracies[0]:.3f} before, {accuracies[1]:.3f} after", flush=True)
    before, after = (statistics.fmean(column) for column in zip(*results, strict=True))
    print(f"mean of {len(results)}: {before:.3f} before, {after:.3f} after")


if __name__ == "__main__":
    main()
