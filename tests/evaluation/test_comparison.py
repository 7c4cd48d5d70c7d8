from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from audiomnist.errors import DataError
from audiomnist.evaluation.comparison import against_first, compare, holm, mcnemar, speaker_interval
from audiomnist.evaluation.intervals import speaker_weights
from audiomnist.evaluation.predictions import Predictions


def right_or_wrong(correct: ArrayLike, speakers: list[str] | None = None, *, first_path: int = 0) -> Predictions:
    """Return predictions of two classes; every clip is of the first."""
    right = np.asarray(correct, dtype=bool)
    return Predictions(
        paths=tuple(f"{first_path + clip}.wav" for clip in range(len(right))),
        classes=("zero", "one"),
        labels=np.zeros(len(right), dtype=np.int64),
        speakers=np.array(speakers or ["anna", "bert"] * len(right), dtype=np.str_)[: len(right)],
        probabilities=np.stack([np.where(right, 0.9, 0.1), np.where(right, 0.1, 0.9)], 1),
    )


def reordered(predictions: Predictions, order: NDArray[np.int64]) -> Predictions:
    return replace(
        predictions,
        paths=tuple(predictions.paths[clip] for clip in order),
        labels=predictions.labels[order],
        speakers=predictions.speakers[order],
        probabilities=predictions.probabilities[order],
    )


def test_mcnemar_is_the_binomial_tail_worked_out_by_hand() -> None:
    # 10 discordant clips, 2 of one kind: 2 * (1 + 10 + 45) / 2**10
    assert mcnemar(2, 8) == mcnemar(8, 2) == pytest.approx(0.109375)
    # 5 discordant clips, all of one kind: 2 / 2**5
    assert mcnemar(0, 5) == pytest.approx(0.0625)
    assert mcnemar(4, 4) == 1
    assert mcnemar(0, 0) == 1


def test_holm_corrects_the_smallest_most_and_keeps_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_nor_changes_the_smallest(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(p <= after <= 1 for p, after in zip(p_values, corrected, strict=True))
    by_size = [corrected[number] for number in np.argsort(p_values)]
    assert by_size == sorted(by_size)


def test_networks_correct_on_the_same_clips_do_not_differ() -> None:
    predictions = right_or_wrong([True, True, False, True])
    found = compare("a", predictions, "b", predictions)
    assert (found.difference, found.p, found.low, found.high) == (0, 1, 0, 0)
    assert found.conclusion == "no difference"
    assert found.verdict == "no difference: b and a have the same 3 of 4 clips correct"


def test_a_real_difference_is_found_from_either_side() -> None:
    draw = np.random.default_rng(0)
    speakers = [f"s{clip % 8}" for clip in range(800)]
    good, poor = (right_or_wrong(draw.random(800) < accuracy, speakers) for accuracy in (0.95, 0.8))
    up, down = compare("poor", poor, "good", good), compare("good", good, "poor", poor)
    assert up.conclusion == down.conclusion == "over speakers"
    assert up.p == down.p < 1e-6
    assert up.difference == -down.difference == pytest.approx(0.15, abs=0.04)
    assert up.low is not None
    assert up.high is not None
    assert (down.low, down.high) == (pytest.approx(-up.high), pytest.approx(-up.low))
    assert 0 < up.low < up.difference < up.high
    assert up.verdict == down.verdict
    assert up.verdict.startswith(f"good is better than poor: accuracy +{up.difference:.3f} (95 % interval +")


def test_a_gain_with_one_voice_of_six_is_not_shown_for_others() -> None:
    speakers = [f"s{clip // 50}" for clip in range(300)]
    everything = np.ones(300, dtype=bool)
    found = compare("a", right_or_wrong(np.arange(300) >= 50, speakers), "b", right_or_wrong(everything, speakers))
    assert found.p < 1e-9
    assert found.conclusion == "on these clips"
    assert (
        "b is better than a on these clips, not shown for other speakers: accuracy +0.167 (95 % interval -"
        in found.verdict
    )


def test_a_few_discordant_clips_show_nothing() -> None:
    found = compare("a", right_or_wrong([True] * 98 + [False] * 2), "b", right_or_wrong([True] * 100))
    assert found.conclusion == "not shown"
    assert found.verdict.startswith("no difference shown between b and a: accuracy +0.020 (95 % interval ")


def test_one_voice_has_no_interval_over_speakers() -> None:
    anna = ["anna"] * 40
    found = compare("a", right_or_wrong([False] * 40, anna), "b", right_or_wrong([True] * 40, anna))
    assert (found.low, found.high) == (None, None)
    assert found.conclusion == "on these clips"
    assert "one speaker, so there is no interval over speakers" in found.verdict


def test_clips_are_joined_by_path_whatever_their_order() -> None:
    draw = np.random.default_rng(1)
    first, second = (right_or_wrong(draw.random(200) < 0.7) for _ in range(2))
    assert compare("a", first, "b", reordered(second, draw.permutation(200))) == compare("a", first, "b", second)


def test_only_clips_that_both_tested_count() -> None:
    found = compare("a", right_or_wrong([True] * 10), "b", right_or_wrong([False] * 10, first_path=4))
    assert (found.n_shared, found.only_first, found.accuracy_first, found.accuracy_second) == (6, 6, 1, 0)


def test_networks_tested_on_different_clips_are_refused() -> None:
    with pytest.raises(DataError, match=r"no clip was tested by both a \(3 clips\) and b \(2 clips\)") as caught:
        compare("a", right_or_wrong([True] * 3), "b", right_or_wrong([True] * 2, first_path=3))
    assert caught.value.hint


def test_classes_in_another_order_are_the_same_classes() -> None:
    predictions = right_or_wrong([True, False, True])
    turned = replace(
        predictions,
        classes=predictions.classes[::-1],
        labels=1 - predictions.labels,
        probabilities=predictions.probabilities[:, ::-1],
    )
    found = compare("a", predictions, "b", turned)
    assert (found.n_shared, found.n_contradicting, found.difference) == (3, 0, 0)


def test_relabelled_clips_are_left_out_and_counted() -> None:
    predictions = right_or_wrong([True, True, True])
    relabelled = replace(predictions, labels=np.array([0, 1, 0]))
    found = compare("a", predictions, "b", relabelled)
    assert (found.n_shared, found.n_contradicting, found.difference) == (2, 1, 0)
    with pytest.raises(DataError, match=r"zero and one for 0\.wav"):
        compare("a", predictions, "b", replace(predictions, labels=np.array([1, 1, 1])))


def test_each_is_compared_with_the_first_and_corrected() -> None:
    right = [True] * 40
    tested = {
        "a": right_or_wrong(right),
        "b": right_or_wrong([False] * 6 + right[6:]),
        "c": right_or_wrong([False] * 9 + right[9:]),
    }
    found = against_first(tested)
    assert [(each.first, each.second) for each in found] == [("a", "b"), ("a", "c")]
    assert [each.p for each in found] == pytest.approx([2 / 2**6, 2 / 2**9])
    assert [each.p_holm for each in found] == pytest.approx([2 / 2**6, 4 / 2**9])


def test_resamples_have_as_many_speakers_each_as_often() -> None:
    weights = speaker_weights(5, 4_000)
    assert weights.shape == (4_000, 5)
    assert (weights.sum(1) == 5).all()
    assert weights.mean(0) == pytest.approx(np.ones(5), abs=0.06)


def test_the_interval_is_students_for_equal_speakers() -> None:
    of_speakers = np.array([0.5, 0.1, 0.3, 0.9])
    gains = np.concatenate([np.arange(100) < 100 * mean for mean in of_speakers]).astype(np.int64)
    low, high = speaker_interval(gains, np.repeat(["anna", "bert", "carl", "dora"], 100))
    expected = t.interval(0.95, 3, of_speakers.mean(), of_speakers.std(ddof=1) / 2)
    assert (low, high) == pytest.approx((expected[0], min(expected[1], 1)), abs=0.03)


def test_no_interval_reaches_beyond_every_clip() -> None:
    assert speaker_interval(np.array([1, 1, -1, -1]), np.array(["anna", "anna", "bert", "bert"])) == (-1, 1)


@pytest.mark.parametrize("n_speakers", [6, 20])
def test_the_interval_covers_as_often_as_it_says(n_speakers: int) -> None:
    """Voices that are easy or hard for both networks, and that gain more or less from the second: 0.05 on average."""
    draw = np.random.default_rng(n_speakers)
    speakers = np.repeat([f"s{number}" for number in range(n_speakers)], 50)
    held = 0
    for _ in range(300):
        accuracy = draw.uniform(0.75, 0.9, n_speakers).repeat(50)
        gain = draw.uniform(-0.02, 0.12, n_speakers).repeat(50)
        chance = draw.random(len(speakers))  # the same for both: a hard clip is hard for both
        gains = (chance < accuracy + gain).astype(np.int64) - (chance < accuracy)
        low, high = speaker_interval(gains, speakers)
        assert low is not None
        assert high is not None
        held += low <= 0.05 <= high
    assert 0.92 <= held / 300 <= 0.99
