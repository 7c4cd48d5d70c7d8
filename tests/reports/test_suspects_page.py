import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from audiomnist.audio import read
from audiomnist.corpus import Corpus, scan
from audiomnist.corpus.scan import without
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.predictions import Predictions
from audiomnist.reports.clips import Sound, spectrogram_png
from audiomnist.reports.sentences import judged_by
from audiomnist.reports.suspects import list_suspects
from audiomnist.runs.results import Suspects
from tests.conftest import MakeCorpus


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


def finished(corpus: Corpus, wrong: list[int]) -> tuple[list[Split], Predictions]:
    """Return a cross validation in which some clips get the next digit, and the rest their label."""
    probabilities = np.full((len(corpus), 10), 0.001)
    heard = corpus.digits.copy()
    heard[wrong] = (heard[wrong] + 1) % 10
    probabilities[np.arange(len(corpus)), heard] = 0.991
    predictions = Predictions(corpus.paths, tuple("0123456789"), corpus.digits, corpus.speakers, probabilities)
    clips = np.arange(len(corpus))
    halves = [clips[: len(clips) // 2], clips[len(clips) // 2 :]]
    return [Split(halves[1], clips[:0], halves[0]), Split(halves[0], clips[:0], halves[1])], predictions


@pytest.fixture
def found(corpus: Corpus, tmp_path: Path) -> Suspects:
    wrong = [clip for clip in range(len(corpus)) if corpus.paths[clip].startswith(("3_<", "5_george_1"))]
    return list_suspects(corpus, *finished(corpus, wrong[:1] + wrong[-1:]), tmp_path)


def test_the_page_holds_everything_and_escapes_names(found: Suspects) -> None:
    text = Path(found.files["html"]).read_text()
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', text)
    assert len(sources) == 2 * len(found.first) + 1
    assert all(source.startswith("data:") for source in sources)
    assert "http" not in text
    assert "prefers-color-scheme: dark" in text
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;&#39;" in text
    assert "a &amp; b" in text


def test_pictures_and_sounds_are_whole(found: Suspects, corpus: Corpus) -> None:
    text = Path(found.files["html"]).read_text()
    pictures = re.findall(r'<img alt="" src="data:image/png;base64,([^"]*)"', text)
    sounds = re.findall(r'<audio [^>]*src="data:audio/wav;base64,([^"]*)"', text)
    assert len(pictures) == len(sounds) == len(found.first) == 2
    for suspect, picture, sound in zip(found.first, pictures, sounds, strict=True):
        assert imread(io.BytesIO(base64.b64decode(picture)), format="png").shape[0] == 40
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)), dtype="float32")
        expected, expected_rate = read(corpus.root / suspect.path)
        assert rate == expected_rate
        np.testing.assert_allclose(samples, expected, atol=1 / 32_000)
    assert soundfile.info(io.BytesIO(base64.b64decode(sounds[0]))).subtype == "PCM_16"


@pytest.mark.parametrize("sample_rate", [4_000, 8_000, 22_050, 48_000, 192_000])
def test_a_tone_stands_at_its_height_at_any_rate(sample_rate: int) -> None:
    tone = np.sin(2 * np.pi * 0.45 * np.arange(sample_rate // 2)).astype(np.float32)
    rows = imread(io.BytesIO(spectrogram_png(Sound(tone, sample_rate))), format="png")[:, :, :3].mean((1, 2))
    assert int(rows.argmax()) <= 2


def test_the_document_says_how_many_and_where(found: Suspects, tmp_path: Path) -> None:
    assert (found.count, len(found.first)) == (2, 2)
    assert found.files == {"csv": str(tmp_path / "suspects.csv"), "html": str(tmp_path / "suspects.html")}


def test_only_the_first_are_shown_of_many(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiomnist.reports.suspects.CLIPS_SHOWN", 1)
    found = list_suspects(corpus, *finished(corpus, [0, len(corpus) - 1]), tmp_path)
    text = Path(found.files["html"]).read_text()
    assert text.count("<audio") == 1
    assert "The first 1 of 2, the most suspicious first" in text


def test_the_page_says_whose_voices_were_known() -> None:
    assert "Known speakers" in judged_by(0, 60, 0.8)
    assert "judged each clip" in judged_by(60, 60, 0.8)
    assert "20 of 60" in judged_by(20, 60, 0.8)
    assert "it agrees with 0.800 of them" in judged_by(60, 60, 0.8)


def test_a_name_that_is_a_formula_is_listed_as_text(corpus: Corpus, tmp_path: Path) -> None:
    clips = {f"={number}.wav": clip for number, clip in enumerate(range(0, len(corpus), 3))}
    for name, clip in clips.items():
        samples, rate = read(corpus.file(clip))
        soundfile.write(tmp_path / name, samples, rate)
    lines = [f"{name},{corpus.digits[clip]},ann" for name, clip in clips.items()]
    (tmp_path / "clips.csv").write_text("\n".join(("path,digit,speaker", *lines)))
    named = scan(tmp_path / "clips.csv")
    found = list_suspects(named, *finished(named, [2]), tmp_path)
    assert [suspect.path for suspect in found.first] == ["=2.wav"]
    assert Path(found.files["csv"]).read_text().splitlines()[1].startswith("'=2.wav,")
    assert set(named.paths) - set(without(named, Path(found.files["csv"])).paths) == {"=2.wav"}
