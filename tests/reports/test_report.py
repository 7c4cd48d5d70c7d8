import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from audiomnist.config import Config
from audiomnist.corpus import Corpus, scan
from audiomnist.corpus.splits import Split
from audiomnist.corpus.targets import labels
from audiomnist.evaluation.metrics import columns_of, score
from audiomnist.evaluation.predictions import Predictions
from audiomnist.reports.report import N_SHOWN, Report, gather, write_report
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import Result
from audiomnist.runs.robustness import Curve, Robustness
from audiomnist.runs.split_file import write_split
from tests.conftest import MakeCorpus

NAME = r"<b>&`*$\nomacro$"


class Sources(HTMLParser):
    """Collects tags and what they load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [(tag, value or "") for name, value in attrs if name in {"src", "href", "srcset"}]

    def embedded(self, tag: str) -> list[bytes]:
        found = [address.partition(",")[2] for of, address in self.addresses if of == tag]
        return [base64.b64decode(content, validate=True) for content in found]


@pytest.fixture(scope="module")
def corpus(make_corpus: MakeCorpus, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two voices; one is called as no voice should be."""
    root = make_corpus(tmp_path_factory.mktemp("report") / "a & b", speakers=2, repetitions=2)
    for path in list(root.glob("*_jackson_*")):
        path.rename(path.with_name(path.name.replace("jackson", NAME)))
    return scan(root)


def finished(corpus: Corpus, folder: Path, *, held_out: tuple[str, ...] = (), fitted: bool = False) -> RunFolder:
    """Write a run that tested every second clip, and predicted the next digit for a 3 and for all by NAME."""
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    Config(data=str(corpus.root)).save(run.config)
    clips = np.arange(len(corpus))
    write_split(run.split, corpus, Split(clips[::2], clips[:0], clips[1::2], held_out), [b""] * len(corpus))
    tested = clips[1::2]
    logits = np.zeros((len(tested), 10), dtype=np.float32)
    wrong = (corpus.digits[tested] == 3) | (corpus.speakers[tested] == NAME)
    logits[np.arange(len(tested)), (corpus.digits[tested] + wrong) % 10] = 3 + tested / 10
    predictions = Predictions.of(corpus, labels(corpus, "digit", tuple("0123456789")), tested, logits)
    predictions.save(run.predictions)
    scores = score(predictions, columns_of(corpus, "digit", tested))
    tempered = {"temperature": 1.5 if fitted else 1.0, "fitted_on": "validation (7 clips)" if fitted else None}
    facts = {
        "corpus_fingerprint": corpus.fingerprint,
        "held_out": list(held_out) or None,
        "n_parameters": 12,
        "n_train": len(clips) - len(tested),
        "seconds": 1.0,
        "torch": "2",
        "device": "cpu",
        "run": str(folder),
        "version": "custom",
        "target": "digit",
        "split": "random",
        "data": str(corpus.root),
        "seed": 0,
        "epochs": 2,
        "audiomnist": "0",
        "own_test": True,
    }
    calibration = scores.calibration.model_copy(update={**tempered, "ece_uncalibrated": 0.5})
    Result(**facts, **dict(scores.model_copy(update={"calibration": calibration}))).save(run.metrics)
    epoch = {"train_loss": 1.0, "train_accuracy": 0.5, "loss": 1.0, "accuracy": 0.5, "watched": "test"}
    rates = {"epochs": 2, "lr": 0.1, "seconds": 1.0, "clips_per_second": 20.0}
    lines = [json.dumps({"epoch": number, **epoch, **rates}) for number in (1, 2)]
    run.history.write_text("\n".join(lines) + "\n")
    return run


def curve(name: str, accuracy: tuple[float, float], *, log: bool = False) -> Curve:
    scale = "log" if log else "linear"
    return Curve(title=f"much {name}", unit="dB", scale=scale, levels=(20.0, 10.0), accuracy=accuracy, n=20)


ROBUSTNESS = Robustness(
    clean=0.9,
    chance=0.1,
    n_clips=20,
    n_available=40,
    seed=0,
    families={"white": curve("white", (0.8, 0.6)), "hum": curve("hum", (0.4, 0.2), log=True)},
)


@pytest.fixture(scope="module")
def finished_run(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Report:
    run = finished(corpus, tmp_path_factory.mktemp("runs") / "run")
    return replace(gather(run), corpus=corpus, robustness=ROBUSTNESS)


def words_of(card: Path) -> str:
    """Return a card's text as a reader sees it."""
    return re.sub(r"\\(.)", r"\1", card.read_text(encoding="utf-8"))


def test_the_page_holds_everything_itself(finished_run: Report, tmp_path: Path) -> None:
    text = write_report(replace(finished_run, folder=tmp_path)).page.read_text(encoding="utf-8")
    page = Sources(text)
    assert all(address.startswith(("data:", "#")) for _, address in page.addresses)
    assert not page.tags & {"script", "iframe", "object", "embed"}
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert "@import" not in text
    assert text.count("<svg") == 3
    assert all(imread(io.BytesIO(picture), format="png").size for picture in page.embedded("img"))


def test_the_first_chart_and_clips_come_before_the_details(finished_run: Report, tmp_path: Path) -> None:
    text = write_report(replace(finished_run, folder=tmp_path)).page.read_text(encoding="utf-8")
    ordered = ["<h1>", 'class="hero"', "Contents", "<svg", "<audio", "<details", "What was not measured</h2>"]
    places = [text.index(part) for part in ordered]
    assert places == sorted(places)


def test_every_mistake_shown_can_be_heard(finished_run: Report, corpus: Corpus, tmp_path: Path) -> None:
    mistakes = [clip for clip, _ in finished_run.clips]
    page = write_report(replace(finished_run, folder=tmp_path)).page
    sounds = Sources(page.read_text(encoding="utf-8")).embedded("audio")
    assert 0 < len(mistakes) == len(sounds) <= N_SHOWN
    confidences = [mistake.probability for mistake in mistakes]
    assert confidences == sorted(confidences, reverse=True)
    for mistake, sound in zip(mistakes, sounds, strict=True):
        heard, rate = soundfile.read(io.BytesIO(sound))
        expected, expected_rate = soundfile.read(corpus.root / mistake.path)
        assert rate == expected_rate
        np.testing.assert_allclose(heard, expected, atol=1 / 32_000)
    assert soundfile.info(io.BytesIO(sounds[0])).subtype == "PCM_16"


def test_names_are_text_and_nothing_else(finished_run: Report, tmp_path: Path) -> None:
    report = write_report(replace(finished_run, folder=tmp_path))
    assert NAME not in report.page.read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;" in report.page.read_text(encoding="utf-8")
    assert "<b>" not in report.card.read_text(encoding="utf-8")
    assert f"Lowest accuracy of a speaker: {NAME}" in words_of(report.card)


def test_card_and_page_give_the_numbers_of_the_result(finished_run: Report, tmp_path: Path) -> None:
    report = write_report(replace(finished_run, folder=tmp_path))
    metrics = json.loads(finished_run.run.metrics.read_text())
    interval, worst = metrics["interval"], metrics["worst_speaker"]
    expected = [
        f"Accuracy {metrics['accuracy']:.3f}: ",
        f"of {metrics['n_test']} test clips correct",
        f"95 % interval {interval['low']:.2f}-{interval['high']:.2f}, 2 speakers",
        f"{worst['accuracy']:.3f} of {worst['n']} clips",
        *(f"| {value} | {of['recall']:.3f} | {of['precision']:.3f} |" for value, of in metrics["per_class"].items()),
        f"Expected calibration error {metrics['calibration']['ece']:.3f}",
        "Mean accuracy under distortion 0.500, undistorted 0.900, chance 0.100, on 20 of 40 clips",
        "| much hum | 0.300 | 0.200 | 10 (dB) |",
        "audiomnist train --config config.yaml",
        metrics["corpus_fingerprint"],
    ]
    card = words_of(report.card)
    assert [line for line in expected if line not in card] == []
    assert f"<b>{metrics['accuracy']:.3f}</b>" in report.page.read_text(encoding="utf-8")
    assert report.as_json()["accuracy"] == metrics["accuracy"]
    assert report.as_json()["robustness"] == pytest.approx(0.5)


def test_what_was_not_measured_is_said(corpus: Corpus, tmp_path: Path) -> None:
    known = write_report(replace(gather(finished(corpus, tmp_path / "known")), corpus=corpus))
    text = words_of(known.card)
    for line in ("only known speakers were tested", "none was fitted", "Robustness to noise", "gender, age, accent"):
        assert line in text
    assert "Known speakers: every tested speaker was also trained on" in text
    run = finished(corpus, tmp_path / "unseen", held_out=("george", NAME), fitted=True)
    text = words_of(write_report(replace(gather(run), corpus=corpus)).card)
    assert "only known speakers" not in text
    assert ": each tested with a network that was not trained on them" in text
    assert "Temperature 1.50, fitted on validation (7 clips)" in text


def test_a_run_without_mistakes_and_of_one_speaker(corpus: Corpus, tmp_path: Path) -> None:
    george = corpus.select(np.flatnonzero((corpus.speakers == "george") & (corpus.digits != 3)))
    report = write_report(replace(gather(finished(george, tmp_path / "run")), corpus=george))
    assert "No clip is misclassified" in report.page.read_text(encoding="utf-8")
    assert "over further clips of the same speaker" in words_of(report.card)


def test_without_the_corpus_the_report_comes_without_sound(corpus: Corpus, tmp_path: Path) -> None:
    text = write_report(gather(finished(corpus, tmp_path / "run"))).page.read_text(encoding="utf-8")
    assert "<audio" not in text
    assert "The corpus is no longer there" in text
    assert "not known" in text


def test_a_changed_corpus_and_a_lost_recording_are_told(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = scan(make_corpus(tmp_path / "corpus", speakers=1, repetitions=2))
    run = finished(corpus, tmp_path / "run")
    (corpus.root / "3_george_1.wav").write_bytes(b"no sound")
    text = write_report(replace(gather(run), corpus=scan(corpus.root))).page.read_text(encoding="utf-8")
    assert "have changed since" in text
    assert "1 without sound" in text


def test_a_sweep_and_results_elsewhere_are_found_in_the_folder(corpus: Corpus, tmp_path: Path) -> None:
    run = finished(corpus, tmp_path / "run")
    ROBUSTNESS.save(run.robustness)
    elsewhere = RunFolder(run.path / "evaluations" / "elsewhere")
    elsewhere.path.mkdir(parents=True)
    elsewhere.metrics.write_text(json.dumps(json.loads(run.metrics.read_text()) | {"data": "there", "own_test": False}))
    found = replace(gather(run), corpus=corpus)
    assert found.robustness == ROBUSTNESS
    text = words_of(write_report(found).card)
    assert "## Other corpora" in text
    assert "only one corpus was tested" not in text
