from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.evaluation.metrics import age_band, columns_of, group_scores
from tests.evaluation.making import corpus, right_or_wrong

SPEAKERS = ["anna", "bert", "anna", "carl", "bert", "carl"]
EVERYTHING = np.arange(len(SPEAKERS))

clips = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["x", "y", "z"]), st.booleans()), min_size=1)


@given(clips)
def test_groups_are_what_counting_them_one_by_one_gives(rows: list[tuple[str, str, bool]]) -> None:
    speakers, values, correct = (list(column) for column in zip(*rows, strict=True))
    found = group_scores(right_or_wrong(correct, speakers), {"room": np.array(values)})
    assert list(found) == ["speaker", "room"]
    for name, column in (("speaker", speakers), ("room", values)):
        assert found[name].keys() == set(column)
        for value, group in found[name].items():
            inside = [row for row, of_row in zip(rows, column, strict=True) if of_row == value]
            assert group.n == len(inside)
            assert group.n_speakers == len({speaker for speaker, _, _ in inside})
            assert group.accuracy == pytest.approx(np.mean([right for _, _, right in inside]))
        assert all(one.accuracy <= other.accuracy for one, other in pairwise(found[name].values()))


def test_columns_that_say_nothing_or_too_much_are_no_groups() -> None:
    speakers = [f"s{number}" for number in range(25)]
    table = corpus(speakers, gender=["f"] * 25, note=[None] * 25, blank=[" "] * 25, name=speakers)
    assert list(columns_of(table, "digit", np.arange(25))) == ["digit", "gender"]
    assert "note" not in columns_of(table, "name", np.arange(25))
    assert "name" in columns_of(table, "name", np.arange(25))
    assert "name" in columns_of(table, "digit", np.arange(20))
    assert "name" not in columns_of(table, "digit", np.arange(21))


def test_unknown_is_a_group_where_something_is_known_of_others() -> None:
    table = corpus(SPEAKERS, room=["kino", None, "kino", "", "hall", "hall"])
    columns = columns_of(table, "digit", EVERYTHING)
    assert columns["room"].tolist() == ["kino", "unknown", "kino", "unknown", "hall", "hall"]
    assert "room" not in columns_of(table, "digit", np.array([1, 3]))


def test_groups_follow_the_clips_in_their_order() -> None:
    table = corpus(SPEAKERS, room=list("abcdef"))
    columns = columns_of(table, "digit", np.array([5, 0]))
    assert {name: values.tolist() for name, values in columns.items()} == {"digit": ["1", "0"], "room": ["f", "a"]}


def test_ages_are_put_in_bands() -> None:
    bands = {17: "<25", "24": "<25", 25: "25-29", 29.5: "25-29", 30: "30-39", 39: "30-39", 40: "40+", 61: "40+"}
    assert {age: age_band(str(age)) for age in bands} == bands
    assert (age_band("twenties"), age_band(None), age_band("nan")) == ("twenties", None, None)
    ages = columns_of(corpus(SPEAKERS, age=[22, 31, 22, None, 31, None]), "digit", EVERYTHING)["age"]
    assert ages.tolist() == ["<25", "30-39", "<25", "unknown", "30-39", "unknown"]
