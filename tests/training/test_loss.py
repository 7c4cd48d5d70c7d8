import numpy as np
import pytest
import torch
from torch.nn import functional

from audiomnist.training.loss import adjusted_loss, disagreement, log_priors, missing_classes

SOURCES = np.array([0, 0, 0, 0, 1, 1, 1])
LABELS = np.array([0, 1, 2, 2, 0, 1, 1])  # the second corpus has no class 2
EVERY_CLIP = np.arange(7)


def test_corpora_with_every_class_are_not_adjusted() -> None:
    assert log_priors(SOURCES, np.array([0, 1, 2, 2, 0, 1, 2]), EVERY_CLIP, 3) is None
    assert log_priors(SOURCES, LABELS, np.array([0, 1, 2]), 3) is None


def test_a_class_that_a_corpus_lacks_is_rare_in_it() -> None:
    priors = log_priors(SOURCES, LABELS, EVERY_CLIP, 3)
    assert priors is not None
    assert priors.shape == (3, 3)
    assert priors[1, 2] < priors[0, 2] - 1
    assert not priors[-1].any()


def test_a_class_with_fewer_clips_over_all_must_win_by_more() -> None:
    labels = np.array([0, 1, 2, 0, 0, 1, 1])
    priors = log_priors(SOURCES, labels, EVERY_CLIP, 3)
    assert priors is not None
    gradients = []
    for label in (0, 2):
        logits = torch.zeros(1, 3, requires_grad=True)
        adjusted_loss(logits, torch.tensor([label]), priors[:1], 0.0).backward()
        assert logits.grad is not None
        gradients.append(-float(logits.grad[0, label]))
    assert gradients[1] > gradients[0]


def test_a_corpus_without_a_class_hardly_teaches_its_absence() -> None:
    priors = log_priors(SOURCES, LABELS, EVERY_CLIP, 3)
    assert priors is not None
    of_missing = []
    for log_prior in (torch.zeros(1, 3), priors[1:2]):
        logits = torch.zeros(1, 3, requires_grad=True)
        adjusted_loss(logits, torch.tensor([0]), log_prior, 0.0).backward()
        assert logits.grad is not None
        of_missing.append(float(logits.grad[0, 2]))
    assert of_missing[1] < 0.4 * of_missing[0]


@pytest.mark.parametrize("log_prior", [None, torch.zeros(5, 3)])
def test_without_a_shift_it_is_cross_entropy(log_prior: torch.Tensor | None) -> None:
    logits, truth = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    expected = functional.cross_entropy(logits, truth, label_smoothing=0.1)
    torch.testing.assert_close(adjusted_loss(logits, truth, log_prior, 0.1), expected)


def test_the_output_for_no_class_is_not_shifted() -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    adjusted_loss(logits, torch.tensor([3]), torch.full((1, 3), -20.0), 0.0).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6


def test_priors_by_hand() -> None:
    sources = np.array([0, 0, 0, 0, 1, 1, 2, 0])
    labels = np.array([0, 0, 1, 2, 0, 1, 2, 1])
    trained = np.arange(6)  # nothing of the third corpus; nobody has the fourth class
    priors = log_priors(sources, labels, trained, 4)
    everywhere = np.array([3, 2, 1]) / 6
    own = np.array([[2, 1, 1], [1.5, 1.5, 0]]) / np.array([[4], [3]])
    assert priors is not None
    expected = np.zeros((4, 4))
    expected[:2, :3] = np.log((0.7 * own + 0.3 * everywhere) / everywhere) + 2 * np.log(3 * everywhere)
    np.testing.assert_allclose(priors.numpy(), expected, rtol=1e-6)


def test_a_corpus_that_is_not_trained_on_lacks_nothing() -> None:
    counts = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert missing_classes(counts).tolist() == [[False] * 3, [False, True, False], [False] * 3]


def test_disagreement_is_the_jensen_shannon_divergence() -> None:
    logits = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
    first, second = logits.softmax(1).chunk(2)
    middle = (first + second) / 2
    entropy = [-(answers * answers.log()).sum(1).mean() for answers in (middle, first, second)]
    torch.testing.assert_close(disagreement(logits), entropy[0] - (entropy[1] + entropy[2]) / 2)
    assert float(disagreement(logits[:5].repeat(2, 1))) == pytest.approx(0, abs=1e-6)
