import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.config import Split as Settings
from audiomnist.corpus import Corpus, Split, folds, split
from audiomnist.errors import DataError

SEEDS = st.integers(0, 2**31 - 1)
FRACTIONS = st.sampled_from([0.2, 0.25, 0.4, 0.5])


def table(n_speakers: int, n_digits: int, repetitions: int) -> Corpus:
    rows = [
        (digit, f"voice{speaker}", repetition)
        for speaker in range(n_speakers)
        for digit in range(n_digits)
        for repetition in range(repetitions)
    ]
    digits, speakers, repeated = zip(*rows, strict=True)
    return Corpus(
        root=Path("corpus"),
        layout="fsdd",
        paths=tuple(f"{digit}_{speaker}_{repetition}.wav" for digit, speaker, repetition in rows),
        digits=np.array(digits, dtype=np.int64),
        speakers=np.array(speakers, dtype=np.str_),
        repetitions=np.array(repeated, dtype=np.int64),
        stamps=np.zeros((len(rows), 2), dtype=np.int64),
        sources=np.zeros(len(rows), dtype=np.int64),
        source_names=("own",),
    )


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    """Full tables and such with a few clips missing; every speaker has clips, every digit at least 8."""
    corpus = table(draw(st.integers(4, 7)), draw(st.integers(2, 10)), draw(st.integers(3, 5)))
    missing = draw(st.sets(st.integers(0, len(corpus) - 1), max_size=4))
    return corpus.select([clip for clip in range(len(corpus)) if clip not in missing])


def by(speaker: bool, count: int) -> Settings:
    return Settings(scheme="speaker" if speaker else "random", folds=count)


def parts(divided: Split) -> list[list[int]]:
    return [divided.train.tolist(), divided.validation.tolist(), divided.test.tolist()]


def voices(corpus: Corpus, clips: list[int]) -> set[str]:
    return set(corpus.speakers[clips].tolist())


def counts(corpus: Corpus, clips: list[int]) -> np.ndarray:
    return np.bincount(corpus.digits[clips], minlength=10)


@given(corpora(), st.sampled_from(["random", "speaker"]), FRACTIONS, st.sampled_from([0.0, 0.25, 0.5]), SEEDS)
def test_every_clip_is_in_exactly_one_part(
    corpus: Corpus, scheme: str, fraction: float, validation: float, seed: int
) -> None:
    settings = Settings(scheme=scheme, test_fraction=fraction, validation_fraction=validation)
    train, validated, test = parts(split(corpus, settings, seed))
    assert sorted(train + validated + test) == list(range(len(corpus)))
    assert train
    assert test
    assert bool(validated) == bool(validation)


@given(corpora(), FRACTIONS, SEEDS)
def test_a_random_split_tests_its_share_of_every_digit(corpus: Corpus, fraction: float, seed: int) -> None:
    train, _, test = parts(split(corpus, Settings(scheme="random", test_fraction=fraction), seed))
    wanted = counts(corpus, train + test) * fraction
    assert np.abs(counts(corpus, test) - wanted).max() <= 1
    assert abs(len(test) - len(corpus) * fraction) <= 1


@given(corpora(), FRACTIONS, st.sampled_from([0.0, 0.25]), SEEDS)
def test_no_voice_stands_in_two_parts_of_a_split_by_speaker(
    corpus: Corpus, fraction: float, validation: float, seed: int
) -> None:
    settings = Settings(scheme="speaker", test_fraction=fraction, validation_fraction=validation)
    divided = split(corpus, settings, seed)
    train, validated, test = (voices(corpus, part) for part in parts(divided))
    assert not train & validated
    assert not train & test
    assert not validated & test
    assert set(divided.held_out) == test


@given(corpora(), st.sampled_from(["random", "speaker"]), SEEDS)
def test_voices_that_are_only_tested_are_named_as_held_out(corpus: Corpus, scheme: str, seed: int) -> None:
    divided = split(corpus, Settings(scheme=scheme, validation_fraction=0.3), seed)
    train, validated, test = (voices(corpus, part) for part in parts(divided))
    assert set(divided.held_out) == test - train - validated


@given(corpora(), st.sampled_from(["random", "speaker"]), SEEDS)
def test_one_seed_draws_one_split(corpus: Corpus, scheme: str, seed: int) -> None:
    settings = Settings(scheme=scheme, validation_fraction=0.3)
    assert parts(split(corpus, settings, seed)) == parts(split(corpus, settings, seed))


@pytest.mark.parametrize("scheme", ["random", "speaker"])
def test_the_seed_decides(scheme: str) -> None:
    corpus = table(6, 10, 5)
    drawn = [split(corpus, Settings(scheme=scheme), seed).test.tolist() for seed in range(5)]
    assert len({tuple(clips) for clips in drawn}) > 1


@given(corpora(), st.integers(2, 4), st.booleans(), SEEDS)
def test_folds_test_every_clip_once_and_train_on_all_others(
    corpus: Corpus, count: int, by_speaker: bool, seed: int
) -> None:
    drawn = list(folds(corpus, by(by_speaker, count), seed))
    assert len(drawn) == count
    assert sorted(clip for fold in drawn for clip in fold.test.tolist()) == list(range(len(corpus)))
    for fold in drawn:
        train, validated, test = parts(fold)
        assert sorted(train + test) == list(range(len(corpus)))
        assert not validated


@given(corpora(), st.integers(2, 4), SEEDS)
def test_folds_by_speaker_hold_every_voice_out_once(corpus: Corpus, count: int, seed: int) -> None:
    drawn = list(folds(corpus, by(True, count), seed))
    assert sorted(voice for fold in drawn for voice in fold.held_out) == sorted(voices(corpus, [*range(len(corpus))]))
    for fold in drawn:
        assert not voices(corpus, fold.train.tolist()) & set(fold.held_out)
        assert voices(corpus, fold.test.tolist()) == set(fold.held_out)


@given(corpora(), st.integers(2, 4), SEEDS)
def test_random_folds_share_out_every_digit_evenly(corpus: Corpus, count: int, seed: int) -> None:
    tested = np.array(
        [counts(corpus, fold.test.tolist()) for fold in folds(corpus, by(False, count), seed)]
    )  # (fold, digit)
    assert (tested.max(0) - tested.min(0)).max() <= 1


def test_the_seed_decides_on_folds() -> None:
    corpus = table(6, 10, 5)
    for by_speaker in (False, True):
        first, again, other = (
            [fold.test.tolist() for fold in folds(corpus, by(by_speaker, 3), seed)] for seed in (0, 0, 1)
        )
        assert first == again != other


def test_each_seed_draws_folds_of_its_own() -> None:
    corpus, largest = table(8, 2, 1), 2**31 - 1
    drawn = {
        tuple(fold.held_out for fold in folds(corpus, by(True, 4), seed)) for seed in [*range(7), largest - 1, largest]
    }
    assert len(drawn) == 9


def test_one_speaker_cannot_be_kept_apart_but_split_at_random() -> None:
    corpus = table(1, 10, 5)
    with pytest.raises(DataError, match="speakers") as error:
        split(corpus, Settings(scheme="speaker"), 0)
    assert "--split random" in error.value.hint
    assert len(split(corpus, Settings(scheme="random"), 0).test) == 10


def test_two_speakers_leave_none_for_validation() -> None:
    with pytest.raises(DataError, match="speakers"):
        split(table(2, 10, 5), Settings(scheme="speaker", validation_fraction=0.5), 0)


def test_a_digit_with_one_clip_cannot_be_split() -> None:
    with pytest.raises(DataError, match="clips of each class") as error:
        split(table(1, 10, 1), Settings(scheme="random", test_fraction=0.5), 0)
    assert error.value.hint


def test_a_part_too_small_for_every_digit_names_the_setting() -> None:
    corpus = table(3, 10, 4)
    with pytest.raises(DataError, match="1 %") as error:
        split(corpus, Settings(scheme="random", test_fraction=0.01), 0)
    assert "split.test_fraction" in error.value.hint
    assert "--split random" not in error.value.hint
    with pytest.raises(DataError) as error:
        split(corpus, Settings(scheme="random", validation_fraction=0.01), 0)
    assert "split.validation_fraction" in error.value.hint


@pytest.mark.parametrize("by_speaker", [False, True])
@pytest.mark.parametrize("corpus", [table(3, 10, 2), table(2, 10, 1)], ids=["larger", "smallest"])
def test_too_many_folds_are_refused_with_a_number_that_works(corpus: Corpus, by_speaker: bool) -> None:
    with pytest.raises(DataError, match="50 folds") as error:
        list(folds(corpus, by(by_speaker, 50), 0))
    offered = re.fullmatch(r"use --folds (\d+)", error.value.hint)
    assert offered
    assert len(list(folds(corpus, by(by_speaker, int(offered[1])), 0))) == int(offered[1])


def test_a_single_speaker_makes_no_folds_by_speaker() -> None:
    with pytest.raises(DataError, match="this corpus has 1") as error:
        list(folds(table(1, 10, 5), by(True, 2), 0))
    assert "--scheme random" in error.value.hint


def test_a_digit_with_one_clip_makes_no_folds() -> None:
    one_clip_of_0_two_of_others = table(1, 10, 2).select(np.arange(1, 20))
    with pytest.raises(DataError, match="the rarest has 1") as error:
        list(folds(one_clip_of_0_two_of_others, by(False, 2), 0))
    assert error.value.hint == "add clips"


PINNED = {
    ("random", 0): ("e2de512f040b2821", "979521af275a0a7f"),
    ("random", 1): ("65075031bcfd3e14", "335e468f9775f706"),
    ("speaker", 0): ("c688bf7d5932dbda", "ef751d37ad7f53fa"),
    ("speaker", 1): ("b2e2b5a9e1bf516d", "db0380b2121f8edd"),
}


@pytest.mark.parametrize(("scheme", "seed"), PINNED)
def test_published_results_rest_on_splits_that_stay(scheme: str, seed: int) -> None:
    corpus, settings = table(6, 10, 8), Settings(scheme=scheme, validation_fraction=0.25, folds=3)
    chosen = ([split(corpus, settings, seed)], folds(corpus, settings, seed))
    hashes = (hashlib.sha256(repr([parts(each) for each in made]).encode()).hexdigest()[:16] for made in chosen)
    assert tuple(hashes) == PINNED[scheme, seed]


@given(corpora(), st.sampled_from(["random", "speaker"]), SEEDS)
def test_a_split_depends_on_labels_speakers_and_seed_alone(corpus: Corpus, scheme: str, seed: int) -> None:
    settings = Settings(scheme=scheme, validation_fraction=0.3)
    moved = replace(
        corpus,
        root=Path("elsewhere"),
        paths=tuple(f"moved/{path}" for path in corpus.paths),
        stamps=corpus.stamps + 1,
        columns={"room": np.array(["hall"] * len(corpus), dtype=object)},
    )
    assert parts(split(corpus, settings, seed)) == parts(split(moved, settings, seed))


@given(corpora(), FRACTIONS, SEEDS)
def test_a_split_by_speaker_is_balanced(corpus: Corpus, fraction: float, seed: int) -> None:
    _, _, test = parts(split(corpus, Settings(scheme="speaker", test_fraction=fraction), seed))
    n_speakers = len(voices(corpus, [*range(len(corpus))]))
    wanted = np.ceil(fraction * n_speakers) / n_speakers
    whole = counts(corpus, [*range(len(corpus))])
    shares = counts(corpus, test)[whole > 0] / whole[whole > 0]
    assert np.abs(shares - wanted).max() <= 4 / whole[whole > 0].min() + 1e-9  # at most four clips are missing


def test_voices_with_many_clips_and_with_few_are_both_tested() -> None:
    corpus = table(8, 4, 20)
    has_few = np.isin(corpus.speakers, [f"voice{number}" for number in range(4)])
    corpus = corpus.select(np.flatnonzero(~has_few | (corpus.repetitions < 2)))
    for seed in range(5):
        test = split(corpus, Settings(scheme="speaker", test_fraction=0.25), seed).test
        assert len(test) == 4 * (20 + 2)


def test_a_division_by_speaker_is_even_with_rare_digits() -> None:
    corpus = table(6, 10, 2)
    is_rare = (corpus.digits == 5) & ((corpus.repetitions > 0) | (corpus.speakers != "voice2"))
    corpus = corpus.select(np.flatnonzero((corpus.digits != 3) & ~is_rare))
    settings = Settings(scheme="speaker", test_fraction=0.5, folds=2)
    for divided in (split(corpus, settings, 0), *folds(corpus, settings, 0)):
        assert len(divided.held_out) == 3
        assert np.delete(counts(corpus, divided.test.tolist()), 5).tolist() == [6, 6, 6, 0, 6, 6, 6, 6, 6]


@pytest.mark.parametrize("scheme", ["random", "speaker"])
def test_other_labels_are_shared_out_and_joined_clips_trained_on(scheme: str) -> None:
    corpus = table(7, 5, 4)
    is_joined = corpus.speakers == "voice6"
    corpus = replace(corpus, sources=is_joined.astype(np.int64), source_names=("own", "other"))
    labels = np.isin(corpus.speakers, ["voice0", "voice1"]).astype(np.int64)
    settings = Settings(scheme=scheme, test_fraction=0.5, folds=2)
    for seed in range(5):
        for divided in (split(corpus, settings, seed, labels), *folds(corpus, settings, seed, labels)):
            assert np.bincount(labels[divided.test]).tolist() == [40, 20]
            assert not is_joined[divided.test].any()
            assert is_joined[divided.train].sum() == 20


def test_folds_by_speaker_are_even_though_voices_are_not() -> None:
    corpus = table(7, 10, 7)
    numbers = np.array([int(speaker.removeprefix("voice")) for speaker in corpus.speakers.tolist()])
    genders = np.where(numbers < 3, "female", "male").astype(object)
    corpus = replace(corpus, columns={"gender": genders}).select(np.flatnonzero(corpus.repetitions <= numbers))
    for seed in range(4):
        drawn = folds(corpus, by(True, 3), seed)
        assert all(70 <= len(fold.test) <= 120 for fold in drawn)  # of 280
        assert [len(voices(corpus, fold.test.tolist()) & {"voice0", "voice1", "voice2"}) for fold in drawn] == [1] * 3
