import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from audiomnist.corpus.measures import cut_share, window_ms
from tests.cli.command import Outcome, refused, succeeds
from tests.conftest import MakeCorpus

PICTURES = {"lengths", "length_by_digit", "counts", "levels", "silence", "mean_mel", "digits", "voices", "mfcc"}


@pytest.fixture(scope="module")
def corpus(make_corpus: MakeCorpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AudioMNIST layout, which has metadata; one clip of 1.2 s, one at full scale, one that is no recording."""
    root = make_corpus(tmp_path_factory.mktemp("analyze") / "tones", layout="audiomnist")
    soundfile.write(root / "data/01/4_01_0.wav", 0.5 * np.sin(np.arange(9_600) / 3), 8_000)
    soundfile.write(root / "data/02/5_02_0.wav", np.clip(3 * np.sin(np.arange(4_000) / 3), -1, 1), 8_000)
    (root / "data/03/0_03_0.wav").write_bytes(b"no recording")
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report") / "out"


@pytest.fixture(scope="module")
def outcome(corpus: Path, folder: Path) -> Outcome:
    return succeeds("analyze", "--data", corpus, "--out", folder)


@pytest.fixture(scope="module")
def analysis(outcome: Outcome, folder: Path) -> Any:
    return json.loads((folder / "analysis.json").read_text())


@pytest.fixture(scope="module")
def lengths_ms(corpus: Path) -> dict[str, float]:
    files = [path for path in corpus.rglob("*.wav") if path.stat().st_size > 100]
    return {path.name: 1000 * soundfile.info(path).duration for path in files}


def test_the_terminal_shows_tables_and_what_follows(outcome: Outcome, folder: Path) -> None:
    for heading in (
        "Length by digit (ms)",
        "Sound by speaker",
        "what follows for training",
        "Clip length: ",
        "left out, 1 clip",
    ):
        assert heading in outcome.stdout
    assert f"report: {folder / 'report.html'}" in outcome.stdout


def test_pictures_are_there_and_of_sensible_size(outcome: Outcome, folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.png")} == PICTURES | {"speakers"}
    for path in folder.glob("*.png"):
        height, width = imread(path).shape[:2]
        assert 800 <= width <= 1200, path
        assert 200 <= height <= 2500, path


def test_the_page_loads_nothing_from_elsewhere(outcome: Outcome, folder: Path) -> None:
    page = (folder / "report.html").read_text()
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', page)
    assert page.count("<svg") == len(PICTURES | {"speakers"})
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "mathdefault" not in page
    assert "http" not in page
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    assert '<meta name="viewport"' in page
    assert "prefers-color-scheme: dark" in page


def test_lengths_are_the_files_own(analysis: Any, lengths_ms: dict[str, float]) -> None:
    values = np.array(list(lengths_ms.values()))
    assert analysis["clips"] == 119
    assert analysis["seconds"] == pytest.approx(values.sum() / 1000)
    assert analysis["length_ms"]["mean"] == pytest.approx(values.mean())
    assert analysis["length_ms"]["median"] == pytest.approx(np.median(values))
    assert analysis["length_ms"]["p99"] == pytest.approx(np.quantile(values, 0.99))
    sevens = [length for name, length in lengths_ms.items() if name.startswith("7")]
    assert analysis["length_ms_by_digit"]["7"]["mean"] == pytest.approx(np.mean(sevens))


def test_counts_and_formats(analysis: Any) -> None:
    assert analysis["counts"]["digit"]["0"] == 11
    assert analysis["counts"]["speaker"] == {"01": 40, "02": 40, "03": 39}
    assert analysis["counts"]["gender"] == {"female": 40, "male": 79}
    assert analysis["speakers_by"]["gender"] == {"female": 1, "male": 2}
    assert analysis["speakers_by"]["age"] == {"20": 1, "21": 1, "22": 1}
    assert analysis["formats"] == {"sample_rate": {"8000": 119}, "channels": {"1": 119}, "bit_depth": {"16": 119}}
    assert len(analysis["unreadable"]) == 1
    assert "0_03_0.wav" in analysis["unreadable"][0]


def test_levels_are_the_files_own(analysis: Any, corpus: Path) -> None:
    clips = [soundfile.read(path)[0] for path in (corpus / "data/02").glob("*.wav")]
    peaks_db = [20 * np.log10(np.abs(clip).max()) for clip in clips]
    rms_db = [10 * np.log10(np.mean(clip**2)) for clip in clips]
    of_speaker = analysis["signal_by_speaker"]["02"]
    assert of_speaker["peak_db"] == pytest.approx(np.median(peaks_db), abs=1e-3)
    assert of_speaker["rms_db"] == pytest.approx(np.median(rms_db), abs=1e-3)
    assert [speaker["clipped_clips"] for speaker in analysis["signal_by_speaker"].values()] == [0, 1, 0]


def test_conclusions(analysis: Any, lengths_ms: dict[str, float]) -> None:
    conclusions = analysis["conclusions"]
    values = np.array(list(lengths_ms.values()))
    clip_ms = conclusions["clip_length"]["clip_ms"]
    assert (values > clip_ms).mean() <= 0.01 < (values > clip_ms - 10).mean()
    assert conclusions["cuts"]["v1"] == {"clip_ms": 1500, "clips": 0, "share": 0.0}
    assert (conclusions["cuts"]["v2"]["clips"], conclusions["cuts"]["v2"]["clip_ms"]) == (1, 1000)
    assert conclusions["length_only"]["chance"] == pytest.approx(12 / 119)
    assert 0 <= conclusions["length_only"]["unseen_voices"] < 0.3
    assert conclusions["balance"]["digit"] == {"least": 11, "most": 12}
    assert 20 < conclusions["empty_bands"]["empty"]["8000"] < 40


def test_a_script_gets_the_analysis_as_one_document(make_corpus: MakeCorpus, tmp_path: Path, home: Path) -> None:
    corpus = make_corpus(tmp_path / "short", speakers=1, repetitions=1)
    outcome = succeeds("analyze", "--data", corpus, "--json", "--jobs", 1)
    report = outcome.json
    assert outcome.stderr == ""
    assert (report["data"], report["out"]) == (str(corpus), str(home / "analysis" / "short"))
    assert Path(report["report"]).is_file()
    assert report["conclusions"]["length_only"]["known_voices"] is None
    assert {path.stem for path in Path(report["out"]).glob("*.png")} == PICTURES


def test_a_corpus_without_a_readable_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0_george_0.wav").write_bytes(b"no recording")
    assert "none of 1 clip can be read" in refused(3, "analyze", "--data", tmp_path).error


def test_a_clip_exactly_as_long_as_the_window_is_not_cut() -> None:
    n_samples = np.array([7_999, 8_000, 8_001, 16_000])
    assert cut_share(n_samples, 8_000, 1000) == 0.5
    assert cut_share(n_samples, np.array([8_000, 8_000, 8_000, 16_000]), 1000) == 0.25
    assert window_ms(np.array([400.0, 410.0, 905.5]), 1.0) == 910
    assert window_ms(np.array([400.0, 910.0]), 1.0) == 910
