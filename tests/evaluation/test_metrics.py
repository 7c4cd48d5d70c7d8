import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from audiomnist.evaluation.metrics import score
from audiomnist.evaluation.predictions import Predictions


@given(st.integers(2, 10), st.integers(1, 40), st.integers(0, 2**31 - 1))
def test_scores_per_class_are_those_of_scikit_learn(n_classes: int, n_clips: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    predictions = Predictions(
        paths=tuple(f"{clip}.wav" for clip in range(n_clips)),
        classes=tuple("0123456789"[:n_classes]),
        labels=random.integers(0, n_classes, n_clips),
        speakers=np.full(n_clips, "ann"),
        probabilities=random.dirichlet(np.ones(n_classes), n_clips),
    )
    found = score(predictions, {})
    answers, classes = (predictions.labels, predictions.predicted), np.arange(n_classes)
    expected = precision_recall_fscore_support(*answers, labels=classes, zero_division=0.0)
    for number, scores in enumerate(found.per_class.values()):
        assert [scores.precision, scores.recall, scores.f1, scores.n] == [values[number] for values in expected]
    np.testing.assert_array_equal(found.confusion, confusion_matrix(*answers, labels=classes))
