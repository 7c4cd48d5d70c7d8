from dataclasses import dataclass

import pytest
import torch

from audiomnist.config import Config, from_settings
from audiomnist.corpus import Corpus, Split, labels, scan, split
from audiomnist.features import FeatureStore, prepare
from audiomnist.training.trainer import Trainer
from tests.conftest import MakeCorpus

FEATURES = {"sample_rate": 8_000, "n_fft": 256, "hop_length": 128, "n_mels": 24}


@dataclass(frozen=True)
class Material:
    """A small corpus with its store and a split."""

    corpus: Corpus
    store: FeatureStore
    split: Split
    config: Config

    def trainer(self) -> Trainer:
        """A trainer of this material, on the CPU."""
        known = labels(self.corpus, self.config.target)
        return Trainer(self.config, self.store, known, self.corpus.sources, self.split, torch.device("cpu"))


@pytest.fixture(scope="session")
def material(make_corpus: MakeCorpus, tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = tmp_path_factory.mktemp("material")
    config = from_settings({"features": FEATURES, "optim": {"lr": 0.01, "batch_size": 16, "epochs": 3}}, "test")
    corpus = scan(make_corpus(folder / "clips", speakers=3, repetitions=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(folder))
        store = prepare(corpus, config.features)
    return Material(corpus, store, split(corpus, config.split, 0), config)
