import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax

from audiomnist.evaluation.calibration import calibration, cross_entropy, fit_temperature
from tests.evaluation.making import confident, predictions

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]


def heard(temperature: float, n_clips: int = 4_000, seed: int = 0) -> tuple[Logits, Labels]:
    """Return logits whose softmax would be right at this temperature, and labels drawn from that."""
    draw = np.random.default_rng(seed)
    honest = draw.normal(scale=2, size=(n_clips, 5))
    chances = softmax(honest, axis=1).cumsum(1)
    labels = (draw.random((n_clips, 1)) > chances).sum(1).clip(max=4)
    return (honest * temperature).astype(np.float32), labels


some_logits = st.tuples(st.integers(1, 40), st.integers(2, 6), st.floats(0.01, 100), st.integers(0, 1_000))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7, 5.0])
def test_a_known_temperature_is_found(temperature: float) -> None:
    assert fit_temperature(*heard(temperature)) == pytest.approx(temperature, rel=0.06)


@given(some_logits)
def test_a_temperature_changes_no_answer_and_no_loss_grows(
    drawn: tuple[int, int, float, int],
) -> None:
    n_clips, n_classes, scale, seed = drawn
    draw = np.random.default_rng(seed)
    logits = (scale * draw.normal(size=(n_clips, n_classes))).astype(np.float32)
    labels = draw.integers(n_classes, size=n_clips)
    temperature = fit_temperature(logits, labels)
    assert 0.04 < temperature < 21
    assert cross_entropy(logits, labels, temperature) <= cross_entropy(logits, labels)
    np.testing.assert_array_equal((logits.astype(np.float64) / temperature).argmax(1), logits.argmax(1))


def test_an_always_correct_network_keeps_temperature_1() -> None:
    logits = np.eye(4, dtype=np.float32)
    assert fit_temperature(logits, np.arange(4)) == 1.0
    assert fit_temperature(1e4 * logits, np.arange(4)) == 1.0


def test_where_no_temperature_is_better_it_stays_1() -> None:
    assert fit_temperature(np.zeros((6, 4), dtype=np.float32), np.arange(6) % 4) == 1.0


def test_cross_entropy_by_hand() -> None:
    logits = np.array([[0, np.log(3)], [0, 0]], dtype=np.float32)
    assert cross_entropy(logits, np.array([1, 0])) == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)
    assert cross_entropy(2 * logits, np.array([1, 0]), 2) == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)


def test_a_calibrated_network_has_no_error() -> None:
    logits, labels = heard(1.0, n_clips=20_000)
    assert calibration(predictions(softmax(logits, axis=1), labels)).ece < 0.015
    overconfident = calibration(predictions(softmax(3 * logits, axis=1), labels))
    assert overconfident.ece > 0.1


def test_the_error_by_hand() -> None:
    found = calibration(confident([0.9, 0.9, 0.9, 0.9, 0.7, 0.7], [1, 1, 0, 0, 1, 0]))
    assert found.ece == pytest.approx((4 * 0.4 + 2 * 0.2) / 6)
    assert list(found.bins.counts) == [0] * 10 + [2, 0, 0, 4, 0]
    assert [found.bins.accuracies[bin] for bin in (10, 13)] == pytest.approx([0.5, 0.5])
    assert [found.bins.confidences[bin] for bin in (10, 13)] == pytest.approx([0.7, 0.9])


def test_confidence_of_1_and_a_bins_edge_have_a_bin() -> None:
    rounded_up = np.nextafter(1, 2)
    assert list(calibration(confident([1.0, 0.8, rounded_up], [1, 1, 1])).bins.counts) == [0] * 11 + [1, 0, 0, 2]


def test_the_least_sure_of_many_classes_have_the_first_bin() -> None:
    many_classes = predictions(np.full((3, 20), 1 / 20), [0, 1, 2])
    assert list(calibration(many_classes).bins.counts) == [3] + [0] * 14


@given(st.lists(st.tuples(st.sampled_from([0.5, 0.6, 0.75, 0.9, 1.0]), st.booleans()), min_size=1, max_size=60))
def test_the_coverage_curve_is_what_a_loop_gives(clips: list[tuple[float, bool]]) -> None:
    found = calibration(confident(*zip(*clips, strict=True)))
    mean_of = {p: np.mean([right for other, right in clips if other == p]) for p, _ in clips}
    falling = sorted((p for p, _ in clips), reverse=True)
    accuracies = [np.mean([mean_of[p] for p in falling[:kept]]) for kept in range(1, len(clips) + 1)]
    assert found.aurc == pytest.approx(np.mean([1 - accuracy for accuracy in accuracies]), abs=1e-9)
    for point in found.coverage:
        kept = max(1, round(point.coverage * len(clips)))
        assert point.accuracy == pytest.approx(accuracies[kept - 1])
        assert point.min_probability == falling[kept - 1]


def test_nothing_depends_on_the_order_of_clips() -> None:
    confidence, correct = [0.9] * 10 + [0.6] * 10, [1] * 5 + [0] * 5 + [1] * 3 + [0] * 7
    one, other = calibration(confident(confidence, correct)), calibration(confident(confidence[::-1], correct[::-1]))
    assert one.coverage == other.coverage
    assert one.aurc == pytest.approx(other.aurc)
