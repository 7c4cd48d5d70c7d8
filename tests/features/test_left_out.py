"""One rule: a clip that ``validate`` calls an error is left out of the store and counted there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiomnist.config import Features
from audiomnist.corpus import scan
from audiomnist.corpus.validation import validate
from audiomnist.features import prepare
from tests.conftest import MakeCorpus
from tests.corpus import spoiling

FEATURES = Features(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=16)


def too_loud(corpus: Path) -> None:
    soundfile.write(corpus / spoiling.CLIP, np.append(spoiling.tone(), 1e22), 8_000, subtype="FLOAT")


def odd_rate(corpus: Path) -> None:
    soundfile.write(corpus / spoiling.CLIP, spoiling.tone(), 1_000_003)


@pytest.mark.parametrize(
    "spoil",
    [
        spoiling.no_audio,
        spoiling.cut_short,
        spoiling.no_bytes,
        spoiling.no_samples,
        spoiling.silence,
        spoiling.not_a_number,
        spoiling.infinite,
        too_loud,
        odd_rate,
    ],
)
def test_an_error_of_validate_is_left_out(
    make_corpus: MakeCorpus, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    root = make_corpus(tmp_path / "corpus", layout="audiomnist", speakers=2, repetitions=2)
    spoil(root)
    (finding,) = validate(root, deep=True).errors
    store = prepare(scan(root), FEATURES)
    assert [(clip.path, clip.reason) for clip in store.left_out] == [(finding.path, finding.detail)]
    assert len(store) == 39
