import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binomtest, t

from audiomnist.evaluation.intervals import Estimate, estimate, overall


def of(counts: list[tuple[int, int]]) -> Estimate:
    right, n = np.array(counts, dtype=np.int64).T
    return estimate(right, n)


counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(counts, min_size=1, max_size=12))
def test_an_interval_holds_the_accuracy_and_no_impossible_one(speakers: list[tuple[int, int]]) -> None:
    found = of(speakers)
    assert found.accuracy == sum(right for right, _ in speakers) / sum(n for _, n in speakers)
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
    assert found.low < found.high
    assert (found.n, found.n_speakers) == (sum(n for _, n in speakers), len(speakers))


@given(counts)
def test_one_speaker_has_wilsons_interval_over_clips(speaker: tuple[int, int]) -> None:
    found = of([speaker])
    expected = binomtest(*speaker).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-6)
    assert found.over == "clips"


def test_speakers_who_are_all_correct_have_an_interval() -> None:
    found = of([(50, 50)] * 6)
    assert (found.accuracy, found.high, found.over) == (1, 1, "clips")
    assert 0.98 < found.low < 0.99


def test_speakers_that_differ_widen_the_interval() -> None:
    differ, alike = of([(50, 50), (20, 50)] * 3), of([(35, 50)] * 6)
    assert (differ.over, alike.over) == ("speakers", "clips")
    assert differ.accuracy == alike.accuracy
    assert differ.high - differ.low > 2 * (alike.high - alike.low)


def test_the_logit_interval_is_students_for_equal_speakers() -> None:
    right = np.array([400, 500, 600, 500])
    found = estimate(right, np.full(4, 1_000))
    reach = t.ppf(0.975, 3) * (right / 1_000).std(ddof=1) / 2 / 0.25  # a logit is four times as steep at 0.5
    assert (found.low, found.high) == pytest.approx((expit(-reach), expit(reach)), rel=0.03)


def test_more_speakers_narrow_the_interval() -> None:
    few, many = of([(50, 50), (40, 50)] * 3), of([(50, 50), (40, 50)] * 30)
    assert many.high - many.low < (few.high - few.low) / 2


def test_published_intervals_rest_on_resamples_that_stay() -> None:
    found = of([(50, 50), (20, 50), (30, 40)])
    assert (found.low, found.high) == pytest.approx((0.00521667095, 0.99914911048), abs=1e-9)


def test_clips_are_counted_by_speaker() -> None:
    correct = np.array([True, False, True, True, False])
    assert overall(correct, np.array(["b", "a", "b", "a", "b"])) == of([(1, 2), (2, 3)])


@pytest.mark.parametrize("n_speakers", [6, 12, 40])
@pytest.mark.parametrize(("mean", "correlation"), [(0.8, 0.1), (0.95, 0.05), (0.99, 0.02)])
def test_intervals_cover_the_truth_as_often_as_promised(n_speakers: int, mean: float, correlation: float) -> None:
    """Speakers' accuracies are beta-distributed, their clips binomial."""
    draw = np.random.default_rng(0)
    both = 1 / correlation - 1
    accuracies = draw.beta(mean * both, (1 - mean) * both, size=(200, n_speakers))
    n = draw.integers(20, 80, size=accuracies.shape)
    right = draw.binomial(n, accuracies)
    found = [estimate(*speakers) for speakers in zip(right, n, strict=True)]
    assert np.mean([interval.low <= mean <= interval.high for interval in found]) >= 0.9
