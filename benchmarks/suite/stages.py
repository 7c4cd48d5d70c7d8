"""One stage of the program over one corpus, as a process of its own: stages.py STAGE CORPUS

Prints the stage's own seconds, without the imports and without what leads to it. From the imports on the process may
hold no more than 3 GB of its own: pages of the mapped store are the kernel's and do not count.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from audiomnist.config import load, version_path
from audiomnist.corpus import Corpus, labels, scan, split
from audiomnist.features import FeatureStore, prepare
from audiomnist.training.dataset import definite
from audiomnist.training.trainer import Trainer, predict_logits

STAGES = ("imports", "scan", "prep", "prep again", "train", "test")
OWN_BYTES = 3_000_000_000


def stage(name: str, root: Path) -> Callable[[], object]:
    """Do what leads to a stage and return the stage itself."""
    if name == "imports":
        return lambda: None
    if name == "scan":
        return lambda: scan(root)
    config, corpus = load(version_path("v2")), scan(root)

    def prep() -> FeatureStore:
        return prepare(corpus, config.features)

    if name.startswith("prep"):
        return prep
    trainer = _trainer(corpus, prep())
    everything = torch.arange(len(corpus))
    return {
        "train": trainer._train_epoch,
        "test": lambda: predict_logits(trainer.model, trainer.front_end, everything),
    }[name]


def _trainer(corpus: Corpus, store: FeatureStore) -> Trainer:
    """Return v2's trainer; straight, as the program itself refuses to train on copies of what it tests."""
    config = load(version_path("v2"))
    parts = split(corpus, config.split, config.seed)
    config = definite(config, store, parts.train)
    return Trainer(config, store, labels(corpus, config.target), corpus.sources, parts, torch.device("cpu"))


def main() -> None:
    name, root = sys.argv[1], Path(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_DATA, (OWN_BYTES, OWN_BYTES))
    work = stage(name, root)
    started = time.perf_counter()
    work()
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
