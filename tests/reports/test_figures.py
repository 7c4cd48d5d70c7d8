"""Figures: names are text, colours follow the page, bins hold enough clips to say something."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from audiomnist.evaluation.predictions import Predictions
from audiomnist.reports.drawing import save_figure, svg
from audiomnist.reports.figures import (
    confusion_figure,
    curves_figure,
    loss_figure,
    reliability_figure,
    samples_figure,
)
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.scores import Bins, Calibration, Covered

NAME = r"$\frac{"
GOLDEN = RunFolder(Path(__file__).parents[1] / "golden" / "runs" / "train")


def test_a_dollar_in_a_name_is_a_dollar(tmp_path: Path) -> None:
    result = GOLDEN.result()
    per_class = {f"{NAME}{name}": of for name, of in result.per_class.items()}
    predictions = Predictions((f"a/{NAME}.wav",), (NAME, "b"), np.array([0]), np.array([NAME]), np.array([[0.1, 0.9]]))
    figures = {
        "confusion": confusion_figure(result.model_copy(update={"per_class": per_class})),
        "samples": samples_figure(predictions, np.array([0]), np.zeros((1, 8, 9), dtype=np.float32)),
        "curves": curves_figure({NAME: [GOLDEN.load_history()]}),
    }
    for name, figure in figures.items():
        save_figure(figure, tmp_path / f"{name}.png")
        assert NAME in svg(figure)


def test_a_drawing_in_a_page_follows_its_colours() -> None:
    drawing = svg(loss_figure([GOLDEN.load_history()]))
    assert "var(--first)" in drawing
    assert "var(--ink)" in drawing
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawing)) <= {"#000000", "#ffffff"}
    assert drawing == svg(loss_figure([GOLDEN.load_history()]))


@pytest.mark.parametrize("counts", [(0, 0, 1, 500), (3, 3, 3, 3), (1, 0, 0, 0), (40, 0, 60, 400)])
def test_bins_with_few_clips_are_drawn_as_one(counts: tuple[int, ...]) -> None:
    confidences = tuple(share if n else 0.0 for share, n in zip((0.2, 0.4, 0.7, 0.95), counts, strict=True))
    bins = Bins(counts=counts, confidences=confidences, accuracies=confidences)
    covered = Covered(coverage=1, accuracy=0.5, min_probability=0.1)
    (axes,) = reliability_figure(Calibration(ece=0.1, aurc=0.1, coverage=(covered,), bins=bins)).axes
    drawn = [int(text.get_text().replace(",", "")) for text in axes.texts]
    assert sum(drawn) == sum(counts)
    assert len(drawn) == 1 or min(drawn) >= 10


def test_a_run_of_an_earlier_version_gives_the_same_card(tmp_path: Path) -> None:
    from audiomnist.reports.report import gather, write_report

    for name in ("train", "kfold"):
        run = RunFolder(GOLDEN.path.parent / name)
        metrics = json.loads(run.metrics.read_text())
        report = write_report(gather(run, tmp_path / name))
        card = report.card.read_text()
        assert f"Accuracy {metrics['accuracy']:.3f}: " in card
        for speaker, of in metrics["groups"]["speaker"].items():
            assert f"| {speaker} | {of['accuracy']:.3f} | {of['low']:.2f}-{of['high']:.2f} | {of['n']} |" in card
        for digit, of in metrics["per_class"].items():
            assert f"| {digit} | {of['recall']:.3f} | {of['precision']:.3f} | {of['f1']:.3f} | {of['n']} |" in card
        assert report.as_json()["calibration"]["ece"] == metrics["calibration"]["ece"]
