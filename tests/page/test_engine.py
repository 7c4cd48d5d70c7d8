"""The page's recogniser as a script of its own, in the example that is exported with it."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import soundfile

from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.page.export import engine_of
from tests.page.conftest import CPU, RATE, Made, clip


def test_the_example_answers_in_a_browser(made: Made, chromium: Any, tmp_path: Path) -> None:
    (tmp_path / "model.js").write_text(engine_of(made.model), encoding="utf-8")
    example = files("audiomnist.reports").joinpath("templates", "example.html").read_text(encoding="utf-8")
    (tmp_path / "example.html").write_text(example, encoding="utf-8")
    page = chromium.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "example.html").as_uri())
    recognizer = TorchRecognizer(made.model, CPU)
    for digit, rate in ((7, RATE), (4, 44_100)):
        path = tmp_path / f"{digit}.wav"
        soundfile.write(path, clip(digit, 1, sample_rate=rate), rate)
        page.evaluate("document.getElementById('answer').textContent = ''")
        page.set_input_files("#file", path)
        page.wait_for_function("document.getElementById('answer').textContent")
        answer, probability = page.text_content("#answer").split()
        expected = recognizer(path)
        assert answer == str(expected.digit)
        assert float(probability) == pytest.approx(expected.probability, abs=0.01)
    page.close()
    assert not faults
