"""The named schemes: the paper's splits, FSDD's test set, a column, a manifest's own."""

from dataclasses import replace

import numpy as np
import pytest

from audiomnist.config import Split as Settings
from audiomnist.config import from_settings
from audiomnist.corpus import Corpus, folds, split
from audiomnist.errors import ConfigError, DataError
from tests.corpus.test_splits import table, voices


def shaped_like_audiomnist() -> Corpus:
    corpus = table(60, 10, 2)
    speakers = np.array([f"{int(name.removeprefix('voice')) + 1:02d}" for name in corpus.speakers.tolist()])
    return replace(corpus, layout="audiomnist", speakers=speakers)


def with_column(corpus: Corpus, name: str, values: list[str | None]) -> Corpus:
    return replace(corpus, columns={**corpus.columns, name: np.array(values, dtype=object)})


@pytest.mark.parametrize(("scheme", "count", "sizes"), [("becker", 5, (36, 12, 12)), ("becker-gender", 4, (12, 6, 6))])
def test_the_papers_splits_have_their_sizes_and_share_no_voice(
    scheme: str, count: int, sizes: tuple[int, int, int]
) -> None:
    corpus = shaped_like_audiomnist()
    drawn = folds(corpus, Settings(scheme=scheme), 0)
    assert len(drawn) == count
    tested: list[str] = []
    for number, fold in enumerate(drawn):
        heard = [voices(corpus, part.tolist()) for part in (fold.train, fold.validation, fold.test)]
        assert tuple(map(len, heard)) == sizes
        assert not heard[0] & heard[1]
        assert not (heard[0] | heard[1]) & heard[2]
        assert set(fold.held_out) == heard[2]
        single = split(corpus, Settings(scheme=f"{scheme}-{number}"), 0)
        assert single.test.tolist() == fold.test.tolist()
        tested += fold.held_out
    assert len(set(tested)) == len(tested) == count * sizes[2]


def test_the_papers_first_split_is_the_published_one() -> None:
    # speakers from the source of github.com/soerenab/AudioMNIST, preprocess_data.py, create_splits
    drawn = split(shaped_like_audiomnist(), Settings(scheme="becker-0"), 0)
    expected = "26 52 60 18 32 42 5 13 22 33 45 51"
    assert set(drawn.held_out) == {f"{int(speaker):02d}" for speaker in expected.split()}


def test_another_corpus_is_told_which_scheme_would_work() -> None:
    with pytest.raises(ConfigError, match="lacks 60 of them") as error:
        split(table(6, 10, 2), Settings(scheme="becker-0"), 0)
    assert "'speaker'" in error.value.hint


@pytest.mark.parametrize(("n_missing", "told"), [(6, "lacks 6 of them: {}"), (7, "lacks 7 of them: {}, ...")])
def test_up_to_six_missing_speakers_of_the_paper_are_named(n_missing: int, told: str) -> None:
    corpus = shaped_like_audiomnist()
    corpus = corpus.select(np.flatnonzero(corpus.speakers > f"{n_missing:02d}"))
    with pytest.raises(ConfigError) as error:
        split(corpus, Settings(scheme="becker-0"), 0)
    assert str(error.value).endswith(told.format("01, 02, 03, 04, 05, 06"))


def test_fsdds_test_set_is_repetitions_0_to_4() -> None:
    corpus = table(3, 10, 8)
    drawn = split(corpus, Settings(scheme="fsdd-official", validation_fraction=0.2), 0)
    assert set(corpus.repetitions[drawn.test].tolist()) == {0, 1, 2, 3, 4}
    assert corpus.repetitions[drawn.train].min() == 5
    assert len(drawn.test) == 3 * 10 * 5
    assert len(drawn.train) + len(drawn.validation) == 3 * 10 * 3


@pytest.mark.parametrize(
    "corpus",
    [
        table(2, 10, 4),
        table(2, 10, 8).select(np.flatnonzero(table(2, 10, 8).repetitions > 4)),
        replace(table(2, 10, 8), layout="manifest"),
    ],
    ids=["only tested ones", "only trained ones", "another layout"],
)
def test_a_corpus_without_fsdds_test_set_is_refused(corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match="no official test set"):
        split(corpus, Settings(scheme="fsdd-official"), 0)


def test_a_column_divides_by_value_without_unknown_clips() -> None:
    corpus = table(3, 4, 4)
    rooms = [["hall", "lab", None, "kitchen"][clip % 4] for clip in range(len(corpus))]
    corpus = with_column(corpus, "room", rooms)
    drawn = split(corpus, Settings(scheme="column:room=lab"), 0)
    assert {rooms[clip] for clip in drawn.test} == {"lab"}
    assert {rooms[clip] for clip in drawn.train} == {"hall", "kitchen"}
    tested = [{rooms[clip] for clip in fold.test} for fold in folds(corpus, Settings(scheme="column:room"), 0)]
    assert tested == [{"hall"}, {"kitchen"}, {"lab"}]


@pytest.mark.parametrize(
    ("scheme", "told"), [("column:room=moon", "hall, lab"), ("column:rom=lab", "did you mean 'room'?")]
)
def test_an_unknown_column_or_value_is_refused_with_known_ones(scheme: str, told: str) -> None:
    corpus = table(2, 2, 2)
    corpus = with_column(corpus, "room", ["hall", "lab"] * 4)
    with pytest.raises(ConfigError) as error:
        split(corpus, Settings(scheme=scheme), 0)
    assert told in error.value.hint


def test_a_split_column_of_another_layout_is_no_official_list() -> None:
    corpus = with_column(table(2, 2, 2), "split", ["train", "test"] * 4)
    with pytest.raises(ConfigError, match="Speech Commands folders"):
        split(corpus, Settings(scheme="speech-commands-official"), 0)


@pytest.mark.parametrize(("n_values", "told"), [(12, "m"), (13, "m, ...")])
def test_up_to_twelve_known_values_are_named(n_values: int, told: str) -> None:
    corpus = table(1, 7, 2)
    corpus = with_column(corpus, "room", [*"bcdefghijklmn"[:n_values], *[None] * (14 - n_values)])
    with pytest.raises(ConfigError) as error:
        split(corpus, Settings(scheme="column:room=a"), 0)
    assert error.value.hint == f"room is one of: b, c, d, e, f, g, h, i, j, k, l, {told}"


@pytest.mark.parametrize("names", ["Train dev test", "train validation TEST", "train val test", "train valid test"])
def test_a_manifests_own_split_is_followed(names: str) -> None:
    corpus = table(2, 2, 4)
    corpus = with_column(corpus, "split", [*names.split(), None] * 4)
    drawn = split(corpus, Settings(scheme="manifest"), 0)
    assert [part.tolist() for part in (drawn.train, drawn.validation, drawn.test)] == [
        list(range(first, 16, 4)) for first in range(3)
    ]


@pytest.mark.parametrize(
    ("values", "told"),
    [(["train", "exam"], "'exam'"), (["train", "train"], "no test clips"), (["test", None], "no train")],
)
def test_a_split_column_that_cannot_be_followed_is_refused(values: list[str | None], told: str) -> None:
    corpus = table(2, 2, 2)
    corpus = with_column(corpus, "split", values * 4)
    with pytest.raises(DataError, match=told):
        split(corpus, Settings(scheme="manifest"), 0)


def test_a_corpus_without_a_split_column_says_which_it_has() -> None:
    with pytest.raises(ConfigError, match="'split'") as error:
        split(table(2, 2, 2), Settings(scheme="manifest"), 0)
    assert "digit, speaker" in error.value.hint


@pytest.mark.parametrize(
    ("scheme", "one"),
    [("becker", "becker-0"), ("becker-gender", "becker-gender-0"), ("column:room", "column:room=VALUE")],
)
def test_a_scheme_of_several_splits_is_for_folds(scheme: str, one: str) -> None:
    with pytest.raises(ConfigError, match="several splits") as error:
        split(shaped_like_audiomnist(), Settings(scheme=scheme), 0)
    assert f"such as {one}, " in error.value.hint


@pytest.mark.parametrize("scheme", ["fsdd-official", "manifest", "becker-0", "column:room=lab"])
def test_a_scheme_of_one_split_is_not_for_folds(scheme: str) -> None:
    with pytest.raises(ConfigError, match="makes no folds"):
        folds(shaped_like_audiomnist(), Settings(scheme=scheme), 0)


@pytest.mark.parametrize("scheme", ["speakers", "becker-5", "becker-gender-4", "column:", "column:=x", ""])
def test_an_unknown_scheme_is_refused_with_known_ones(scheme: str) -> None:
    with pytest.raises(ConfigError, match="fsdd-official"):
        from_settings({"split": {"scheme": scheme}}, "test")


def test_speakers_are_drawn_so_that_genders_are_shared_out() -> None:
    corpus = table(12, 10, 2)
    genders = {f"voice{number}": "female" if number < 4 else "male" for number in range(12)}
    corpus = with_column(corpus, "gender", [genders[speaker] for speaker in corpus.speakers.tolist()])
    for seed in range(5):
        drawn = split(corpus, Settings(scheme="speaker", test_fraction=0.25), seed)
        assert sorted(genders[speaker] for speaker in drawn.held_out) == ["female", "male", "male"]
        for fold in folds(corpus, Settings(scheme="speaker", folds=4), seed):
            assert sorted(genders[speaker] for speaker in fold.held_out) == ["female", "male", "male"]


def test_three_values_are_all_shared_out() -> None:
    corpus = table(12, 4, 2)
    kinds = {f"voice{number}": "abc"[number % 3] for number in range(12)}
    corpus = with_column(corpus, "gender", [kinds[speaker] for speaker in corpus.speakers.tolist()])
    settings = Settings(scheme="speaker", test_fraction=0.5, folds=2)
    for seed in range(5):
        for divided in (split(corpus, settings, seed), *folds(corpus, settings, seed)):
            assert sorted(kinds[speaker] for speaker in divided.held_out) == [*"aabbcc"]


def test_folds_may_set_a_part_aside_for_validation() -> None:
    corpus = table(6, 10, 5)
    for scheme in ("random", "speaker"):
        for fold in folds(corpus, Settings(scheme=scheme, folds=3, validation_fraction=0.25), 0):
            assert len(fold.validation) == 50
            everything = np.concatenate([fold.train, fold.validation, fold.test])
            assert sorted(everything.tolist()) == list(range(len(corpus)))
