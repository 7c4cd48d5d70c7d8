"""A split drawn without scikit-learn holds the clips that one drawn with it holds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

from audiomnist.corpus import Corpus
from audiomnist.corpus.sampling import sample_part
from audiomnist.errors import DataError

SEEDS = st.integers(0, 2**31 - 1)
FRACTIONS = st.floats(0.01, 0.99)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    n_clips = draw(st.integers(2, 120))
    random = np.random.default_rng(draw(SEEDS))
    return Corpus(
        root=Path("corpus"),
        layout="fsdd",
        paths=tuple(f"{clip}.wav" for clip in range(n_clips)),
        digits=random.integers(0, draw(st.integers(1, 10)), n_clips),
        speakers=random.integers(0, draw(st.integers(1, 1 + n_clips // 2)), n_clips).astype(np.str_),
        repetitions=np.arange(n_clips),
        stamps=np.zeros((n_clips, 2), dtype=np.int64),
        sources=np.zeros(n_clips, dtype=np.int64),
        source_names=("own",),
    )


def drawn(corpus: Corpus, fraction: float, seed: int, *, by_speaker: bool) -> tuple[list[int], list[int]]:
    everything = np.arange(len(corpus))
    kept, taken = sample_part(
        corpus, everything, fraction, labels=corpus.digits, by_speaker=by_speaker, seed=seed, setting="split"
    )
    return kept.tolist(), taken.tolist()


@given(corpora(), FRACTIONS, SEEDS)
def test_a_draw_by_label_is_that_of_scikit_learn(corpus: Corpus, fraction: float, seed: int) -> None:
    splitter = StratifiedShuffleSplit(1, test_size=fraction, random_state=seed)
    try:
        kept, taken = next(splitter.split(corpus.digits, corpus.digits))
    except ValueError:
        with pytest.raises(DataError, match="too few clips of each class"):
            drawn(corpus, fraction, seed, by_speaker=False)
    else:
        assert drawn(corpus, fraction, seed, by_speaker=False) == (sorted(kept.tolist()), sorted(taken.tolist()))


@given(corpora(), FRACTIONS, SEEDS)
def test_a_draw_by_speaker_is_one_of_scikit_learns(corpus: Corpus, fraction: float, seed: int) -> None:
    splitter = GroupShuffleSplit(32, test_size=fraction, random_state=seed)
    try:
        divisions = list(splitter.split(corpus.digits, groups=corpus.speakers))
    except ValueError:
        with pytest.raises(DataError, match="too few speakers"):
            drawn(corpus, fraction, seed, by_speaker=True)
    else:
        by_hand = drawn(corpus, fraction, seed, by_speaker=True)
        assert by_hand in [(kept.tolist(), taken.tolist()) for kept, taken in divisions]
