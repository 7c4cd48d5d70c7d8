from pathlib import Path

import numpy as np

from audiomnist.config import Features
from audiomnist.corpus import scan
from audiomnist.evaluation.analysis.spectra import compute_spectra
from audiomnist.features.mel import band_centres_hz
from tests.conftest import MakeCorpus


def test_bands_begin_where_the_front_end_begins(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = scan(make_corpus(tmp_path / "corpus", speakers=1, repetitions=1))
    features = Features(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=20, lowest_hz=300)
    spectra = compute_spectra(corpus, np.full(len(corpus), 8_000), features)
    np.testing.assert_array_equal(spectra.band_hz, band_centres_hz(features))
    assert spectra.band_hz[0] > 300
