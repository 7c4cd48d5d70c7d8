from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audiomnist.corpus import scan
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.predictions import Predictions
from audiomnist.evaluation.suspects import find_suspects, is_habit_of_speaker, mean_over_other_labels, unseen_voices

SURE, UNSURE = 0.97, 0.55


def said(*clips: tuple[int, int, float, str]) -> Predictions:
    """Return predictions from label, prediction, its probability, and speaker; three classes share the rest."""
    probabilities = np.array([[(1 - sure) / 2] * 3 for _, _, sure, _ in clips])
    for row, (_, prediction, sure, _) in zip(probabilities, clips, strict=True):
        row[prediction] = sure
    return Predictions(
        paths=tuple(f"{number}.wav" for number in range(len(clips))),
        classes=("zero", "one", "two"),
        labels=np.array([clip[0] for clip in clips]),
        speakers=np.array([clip[3] for clip in clips]),
        probabilities=probabilities,
    )


def right(count: int = 5, speaker: str = "ann") -> list[tuple[int, int, float, str]]:
    return [(label, label, SURE, speaker) for label in (0, 1, 2) for _ in range(count)]


def known(predictions: Predictions) -> NDArray[np.bool_]:
    return np.zeros(len(predictions), dtype=bool)


def listed(predictions: Predictions) -> list[str]:
    return [suspect.path for suspect in find_suspects(predictions, known(predictions))]


def test_a_label_that_the_network_rules_out_is_listed() -> None:
    predictions = said((0, 1, SURE, "ann"), *right())
    assert find_suspects(predictions, np.arange(16) == 0) == [predictions.misclassified(0, unseen=True)]
    assert predictions.misclassified(0, unseen=True).plain() == {
        "path": "0.wav",
        "label": "zero",
        "prediction": "one",
        "probability": SURE,
        "label_probability": pytest.approx(0.015),
        "speaker": "ann",
        "voice": "unseen",
    }


def test_a_mistake_that_leaves_the_label_likely_is_not_listed() -> None:
    assert listed(said((0, 1, UNSURE, "ann"), *right())) == []


def test_the_list_is_as_long_as_there_are_wrong_labels() -> None:
    for count in (0, 1, 4):
        wrong = [(label % 3, (label + 1) % 3, SURE, "ann") for label in range(count)]
        assert sorted(listed(said(*wrong, *right()))) == [f"{number}.wav" for number in range(count)]


def test_the_label_that_is_ruled_out_most_comes_first() -> None:
    assert listed(said((0, 1, 0.98, "ann"), (1, 2, 0.999, "ann"), (2, 0, 0.99, "ann"), *right())) == [
        "1.wav",
        "2.wav",
        "0.wav",
    ]


def test_a_frequent_mistake_of_a_voice_is_its_habit() -> None:
    habit = [(0, 1, SURE, "bob")] * 3 + [(0, 0, SURE, "bob")] * 2 + [(2, 2, SURE, "bob")]
    predictions = said(*habit, *right())
    assert is_habit_of_speaker(predictions).tolist() == [False] * 3 + [False] * 18
    predictions = said((0, 1, SURE, "bob"), *habit, *right())
    assert is_habit_of_speaker(predictions).tolist() == [True] * 4 + [False] * 18
    assert listed(predictions) == []


def test_one_clip_or_one_label_makes_no_habit() -> None:
    assert listed(said((0, 1, SURE, "bob"), (1, 1, SURE, "bob"), *right())) == ["0.wav"]
    same = [(0, 1, SURE, "cleo")] * 3
    assert not is_habit_of_speaker(said(*same, *right())).any()


def test_classes_without_clips_and_a_single_class_do_no_harm() -> None:
    assert listed(said((0, 1, SURE, "ann"), (0, 0, SURE, "ann"), (0, 0, SURE, "ann"))) == []
    assert mean_over_other_labels(said((0, 0, SURE, "ann"))).tolist() == pytest.approx([0.0, 0.015, 0.015])


def test_a_voice_is_unseen_where_no_clip_of_it_is_trained_on(small_corpus: Path) -> None:
    corpus = scan(small_corpus)
    george = np.flatnonzero(corpus.speakers == "george")
    others = np.flatnonzero(corpus.speakers != "george")
    apart = Split(others, others[:0], george)
    mixed = Split(np.concatenate([george[1:], others[1:]]), others[:0], np.array([george[0], others[0]]))
    assert unseen_voices(corpus, [apart, mixed]).tolist() == [True] * len(george) + [False] * 2
