import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread
from numpy.typing import NDArray

from audiomnist.audio import read
from audiomnist.corpus import Corpus, scan
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.mistakes import misclassified
from audiomnist.evaluation.predictions import Predictions
from audiomnist.evaluation.suspects import find_suspects, is_habit_of_voice, mean_of_strangers, unseen_voices
from audiomnist.reports.clip_cards import spectrogram_png
from audiomnist.reports.suspects_page import CLIPS_SHOWN, SuspectList, list_suspects, page
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import Misclassified
from tests.conftest import MakeCorpus

SURE, UNSURE = 0.97, 0.55
CLASSES = tuple("0123456789")


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


def test_a_label_that_the_network_rules_out_is_listed_with_what_it_says() -> None:
    predictions = said((0, 1, SURE, "ann"), *right())
    assert find_suspects(predictions, np.arange(16) == 0) == [misclassified(predictions, 0, unseen=True)]
    assert misclassified(predictions, 0, unseen=True).plain() == {
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


def test_what_is_heard_in_most_clips_of_a_voice_is_the_voices_way_to_say_it() -> None:
    habit = [(0, 1, SURE, "bob")] * 3 + [(0, 0, SURE, "bob")] * 2 + [(2, 2, SURE, "bob")]
    predictions = said(*habit, *right())
    assert is_habit_of_voice(predictions).tolist() == [False] * 3 + [False] * 18
    predictions = said((0, 1, SURE, "bob"), *habit, *right())
    assert is_habit_of_voice(predictions).tolist() == [True] * 4 + [False] * 18
    assert listed(predictions) == []


def test_one_clip_of_a_voice_is_no_habit_and_neither_is_a_voice_of_one_label() -> None:
    assert listed(said((0, 1, SURE, "bob"), (1, 1, SURE, "bob"), *right())) == ["0.wav"]
    same = [(0, 1, SURE, "cleo")] * 3
    assert not is_habit_of_voice(said(*same, *right())).any()


def test_classes_without_clips_and_a_single_class_do_no_harm() -> None:
    assert listed(said((0, 1, SURE, "ann"), (0, 0, SURE, "ann"), (0, 0, SURE, "ann"))) == []
    assert mean_of_strangers(said((0, 0, SURE, "ann"))).tolist() == pytest.approx([0.0, 0.015, 0.015])


def test_a_voice_is_unseen_where_no_clip_of_it_is_trained_on(small_corpus: Path) -> None:
    corpus = scan(small_corpus)
    george = np.flatnonzero(corpus.speakers == "george")
    others = np.flatnonzero(corpus.speakers != "george")
    apart = Split(others, others[:0], george)
    mixed = Split(np.concatenate([george[1:], others[1:]]), others[:0], np.array([george[0], others[0]]))
    assert unseen_voices(corpus, [apart, mixed]).tolist() == [True] * len(george) + [False] * 2


@pytest.fixture(scope="module")
def corpus(make_corpus: MakeCorpus, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two voices; one is called as no voice should be."""
    root = make_corpus(tmp_path_factory.mktemp("page") / "a & b", speakers=2, repetitions=3)
    for path in list(root.glob("*_jackson_*")):
        path.rename(path.with_name(path.name.replace("jackson", "<b>&'")))
    samples, _ = soundfile.read(root / "3_<b>&'_0.wav")
    (root / "3_<b>&'_0.wav").unlink()
    soundfile.write(root / "3_<b>&'_0.flac", np.stack([samples, samples], 1), 22_050)
    return scan(root)


def finished(corpus: Corpus, wrong: list[int], folder: Path) -> tuple[list[Split], RunFolder]:
    """Return a cross validation in which the network hears the next digit in some clips, and the label in the rest."""
    probabilities = np.full((len(corpus), 10), 0.001)
    heard = corpus.digits.copy()
    heard[wrong] = (heard[wrong] + 1) % 10
    probabilities[np.arange(len(corpus)), heard] = 0.991
    run = RunFolder(folder)
    Predictions(corpus.paths, CLASSES, corpus.digits, corpus.speakers, probabilities).save(run.predictions)
    run.metrics.write_text(json.dumps({"accuracy": 0.9}))
    clips = np.arange(len(corpus))
    halves = [clips[: len(clips) // 2], clips[len(clips) // 2 :]]
    return [Split(halves[1], clips[:0], halves[0]), Split(halves[0], clips[:0], halves[1])], run


@pytest.fixture
def found(corpus: Corpus, tmp_path: Path) -> SuspectList:
    wrong = [clip for clip in range(len(corpus)) if corpus.paths[clip].startswith(("3_<", "5_george_1"))]
    return list_suspects(corpus, *finished(corpus, wrong[:1] + wrong[-1:], tmp_path))


def test_the_page_holds_everything_and_escapes_names(found: SuspectList) -> None:
    text = found.page.read_text()
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', text)
    assert len(sources) == 2 * len(found.suspects) + 1
    assert all(source.startswith("data:") for source in sources)
    assert "http" not in text
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;&#x27;" in text
    assert "a &amp; b" in text


def test_pictures_and_sounds_are_whole(found: SuspectList, corpus: Corpus) -> None:
    text = found.page.read_text()
    pictures = re.findall(r'<img src="data:image/png;base64,([^"]*)"', text)
    sounds = re.findall(r'<audio [^>]*src="data:audio/wav;base64,([^"]*)"', text)
    assert len(pictures) == len(sounds) == len(found.suspects) == 2
    for suspect, picture, sound in zip(found.suspects, pictures, sounds, strict=True):
        assert imread(io.BytesIO(base64.b64decode(picture)), format="png").shape[0] == 40
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)), dtype="float32")
        expected, expected_rate = read(corpus.root / suspect.path)
        assert rate == expected_rate
        np.testing.assert_allclose(samples, expected, atol=1 / 32_000)
    assert soundfile.info(io.BytesIO(base64.b64decode(sounds[0]))).subtype == "PCM_16"


@pytest.mark.parametrize("sample_rate", [4_000, 8_000, 22_050, 48_000, 192_000])
def test_a_tone_stands_at_its_height_at_any_rate(sample_rate: int) -> None:
    import torch

    tone = torch.sin(2 * torch.pi * 0.45 * torch.arange(sample_rate // 2))
    rows = imread(io.BytesIO(spectrogram_png(tone, sample_rate)), format="png")[:, :, :3].mean((1, 2))
    assert int(rows.argmax()) <= 2


def test_result_and_document_say_how_many_and_where(found: SuspectList) -> None:
    metrics = json.loads((found.folder / "metrics.json").read_text())
    assert metrics == {"accuracy": 0.9, "suspects": found.as_json()}
    document = metrics["suspects"]
    assert (document["count"], len(document["first"])) == (2, 2)
    assert document["files"] == {"csv": str(found.folder / "suspects.csv"), "html": str(found.folder / "suspects.html")}


def test_only_the_first_are_shown_of_many(corpus: Corpus) -> None:
    suspect = Misclassified(
        path=corpus.paths[0],
        label="1",
        prediction="2",
        probability=0.9,
        label_probability=0.001,
        speaker="ann",
        voice="known",
    )
    many = [suspect] * (CLIPS_SHOWN + 3)
    text = page(SuspectList(many, 60, 0, 0.8, Path()), corpus)
    assert text.count("<audio") == CLIPS_SHOWN
    assert f"The first {CLIPS_SHOWN} of {CLIPS_SHOWN + 3}" in text


def test_the_page_says_whose_voices_were_known(corpus: Corpus) -> None:
    def says(n_unseen: int) -> str:
        return page(SuspectList([], 60, n_unseen, 0.8, Path()), corpus)

    assert "Known voices" in says(0)
    assert "judged every clip" in says(60)
    assert "20 of 60" in says(20)
    assert "80.0% of the labels" in says(60)
