"""The surest mistakes of a cross validation, as the network saw them: python benchmarks/worst.py RUN --out worst.png"""

import argparse
from pathlib import Path

import numpy as np
import torch

from audiomnist.corpus import scan
from audiomnist.corpus.places import locate
from audiomnist.evaluation.predictions import Predictions
from audiomnist.features import prepare
from audiomnist.reports.drawing import save_figure
from audiomnist.reports.figures import samples_figure
from audiomnist.runs.folder import RunFolder
from audiomnist.training.dataset import WindowedClips, definite
from audiomnist.training.transforms import FrontEnd


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=12)
    options = parser.parse_args()
    run = RunFolder.open(options.run)
    predictions = Predictions.load(run.predictions)
    config = run.load_config()
    corpus = scan(locate(config.data))
    numbers = {path: number for number, path in enumerate(corpus.paths)}
    clips = np.array([numbers[path] for path in predictions.paths])
    store = prepare(corpus, config.features)
    config = definite(config, store, clips)
    worst = predictions.mistakes[: options.count]
    front_end = FrontEnd(config, WindowedClips(store, config.window, torch.device("cpu")))
    spectrograms = front_end.test(torch.from_numpy(clips[worst]))[:, 0].mT.numpy()
    save_figure(samples_figure(predictions, worst, spectrograms), options.out)


if __name__ == "__main__":
    main()
