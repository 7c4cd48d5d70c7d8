"""What each ingredient of v4 brings: the recipe without it, on voices that were held out.

    python benchmarks/ablation.py --data fsdd --extra-data synthetic

Every line is a cross validation by speaker per seed. The table has the mean over speakers and seeds, the standard
deviation between speakers (of their means over seeds) and between seeds, and the worst speaker. Finished cross
validations are kept in --out and not run again. The schedule is shorter than v4's own, so that many are affordable;
figures of schedules of different lengths are not to be compared.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from audiomnist.config import Config
from audiomnist.experiments.kfold import kfold
from audiomnist.experiments.settings import resolve
from audiomnist.runs.folder import RunFolder

# Name, version it starts from, settings that are changed.
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "v4": ("v4", ()),
    "without stretching time": ("v4", ("augment.stretch=0",)),
    "without warping frequency": ("v4", ("augment.warp=0",)),
    "without trimming silence": ("v4", ("window.trim_db=0",)),
    "v4's recipe, v2's network": ("v4", ("model.name=cnn4", "model.widths=[8, 16, 32, 64]")),
    "v2's recipe, v4's network": ("v2", ("model.name=resnet", "model.widths=[16, 32, 48, 72]")),
    "without noise": ("v4", ("augment.noise_probability=0",)),
    "without limiting the band": ("v4", ("augment.band_limit_probability=0",)),
    "without tilt and equaliser": ("v4", ("augment.tilt_db=0", "augment.equaliser_db=0")),
    "without masks": ("v4", ("augment.time_masks=0", "augment.freq_masks=0")),
    "without label smoothing": ("v4", ("optim.label_smoothing=0",)),
    "without averaging weights": ("v4", ("optim.ema=0",)),
    "v2": ("v2", ()),
    "v4-tiny": ("v4-tiny", ()),
}
WITH_VOICES = "v4 with further voices"


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="fsdd", help="corpus (default: fsdd)")
    parser.add_argument("--extra-data", help="further voices, for one more line, such as synthetic")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/ablation"))
    options = parser.parse_args()
    variants = dict(VARIANTS)
    if options.extra_data:
        variants[WITH_VOICES] = ("v4", (f"extra_data={options.extra_data}",))
    rows = []
    for name, (version, changes) in variants.items():
        accuracies = []
        for seed in range(options.seeds):
            settings = (f"optim.epochs={options.epochs}", f"seed={seed}", "split.scheme=speaker")
            config = resolve(version, settings=[*changes, *settings], data=options.data, folds=options.folds)
            run = RunFolder(options.out / f"{name.replace(' ', '-')}-{options.epochs}-epochs" / f"seed-{seed}")
            accuracies.append(_accuracy_by_speaker(config, run, options.jobs))
        table = np.array([[of_seed[speaker] for speaker in sorted(of_seed)] for of_seed in accuracies])
        rows.append(_row(name, sorted(accuracies[0]), table))
        print(json.dumps(rows[-1]), flush=True)
    (options.out / "ablation.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    _print(rows)


def _accuracy_by_speaker(config: Config, run: RunFolder, jobs: int) -> dict[str, float]:
    """Cross-validate, unless that was done."""
    if not run.is_finished:
        kfold(config=config, run=run.path, jobs=jobs)
    groups = run.load_result().groups["speaker"]
    return {speaker: found.accuracy for speaker, found in groups.items()}


def _row(name: str, speakers: Sequence[str], table: np.ndarray) -> dict[str, object]:
    """Return what a table of accuracies, float array [n_seeds, n_speakers], comes to."""
    of_speakers = table.mean(0)
    worst = int(of_speakers.argmin())
    return {
        "name": name,
        "mean": round(float(table.mean()), 4),
        "std_speakers": round(float(of_speakers.std()), 4),
        "std_seeds": round(float(table.mean(1).std()), 4),
        "worst_speaker": speakers[worst],
        "worst": round(float(of_speakers[worst]), 4),
    }


def _print(rows: list[dict[str, object]]) -> None:
    table = Table("recipe", "mean", "± speakers", "± seeds", "worst speaker", "worst")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
