import csv
import io
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiomnist.inference.paths import with_known_sizes
from tests.cli.command import audiomnist, succeeds
from tests.conftest import say
from tests.inference.conftest import Models

RATE = 8_000


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path, models: Models) -> Path:
    """Two recordings, one of them in a folder below, two broken ones, and what is no recording."""
    (tmp_path / "in" / "below").mkdir(parents=True)
    shutil.copy(models.corpus / "7_george_0.wav", tmp_path / "in" / "b.wav")
    shutil.copy(models.corpus / "3_george_0.wav", tmp_path / "in" / "below" / "c.WAV")
    (tmp_path / "in" / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "in" / "z.wav").write_bytes(b"")
    (tmp_path / "in" / "notes.txt").write_text("no recording")
    return tmp_path / "in"


def predict(*words: object, models: Models) -> list[dict]:
    return succeeds("predict", *words, "--model", models.onnx, "--json").json


def test_a_file_gets_its_digit(models: Models) -> None:
    file = models.corpus / "7_george_0.wav"
    (found,) = predict(file, models=models)
    assert (found["path"], found["digit"]) == (str(file), 7)
    assert found["probability"] == found["probabilities"]["7"] > found["second_guess"]["probability"]
    outcome = succeeds("predict", file, "--model", models.onnx)
    assert outcome.stdout.startswith(f"{file}: 7  0.")
    assert f"model: {models.onnx}" in outcome.stderr


def test_the_documented_transcript_is_what_is_printed(models: Models) -> None:
    document = (Path(__file__).parents[2] / "docs" / "using.md").read_text(encoding="utf-8")
    shown = re.findall(r"audiomnist predict seven\.wav.*\n(model: .*\nseven\.wav: .*\n)", document)
    printed = succeeds("predict", models.corpus / "7_george_0.wav", "--model", models.onnx)
    assert len(shown) == 2
    for lines in (*shown, printed.stderr + printed.stdout):
        assert re.fullmatch(r"model: \S+\.onnx\n\S+\.wav: 7  [01]\.\d{3}  \(second guess \d, [01]\.\d{3}\)\n", lines)


def test_torch_and_onnx_give_the_same_answers(models: Models) -> None:
    found = predict(models.corpus, models=models)
    by_torch = succeeds("predict", models.corpus, "--model", models.run, "--json", "--device", "cpu").json
    assert [one["path"] for one in found] == [str(path) for path in sorted(models.corpus.glob("*.wav"))]
    for one, other in zip(found, by_torch, strict=True):
        assert one["digit"] == other["digit"]
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)


def test_broken_files_are_named_and_the_others_answered(folder: Path, models: Models) -> None:
    outcome = audiomnist("predict", folder, "--model", models.onnx, "--json")
    assert outcome.exit_code == 3
    found = {Path(one["path"]).name: one for one in outcome.json}
    assert list(found) == ["a.wav", "b.wav", "z.wav", "c.WAV"]
    assert (found["b.wav"]["digit"], found["c.WAV"]["digit"]) == (7, 3)
    assert found["a.wav"]["digit"] is None
    for name in ("a.wav", "z.wav"):
        assert found[name]["error"]
        assert outcome.stderr.count(name) == 1
    assert audiomnist("predict", folder, "--model", models.onnx, "--skip-broken").exit_code == 0


def test_a_table_has_a_row_per_file(folder: Path, models: Models, tmp_path: Path) -> None:
    audiomnist("predict", folder, "--model", models.onnx, "--csv", tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    assert rows["b.wav"]["digit"] == "7"
    assert float(rows["b.wav"]["p7"]) == pytest.approx(float(rows["b.wav"]["probability"]), abs=1e-5)
    assert rows["a.wav"]["error"]


def test_any_format_rate_and_channels(tmp_path: Path, models: Models) -> None:
    import soxr

    samples = soxr.resample(say(4, 0, 0), RATE, 44_100)
    soundfile.write(tmp_path / "a.flac", np.stack([samples, samples], 1), 44_100)
    soundfile.write(tmp_path / "b.ogg", samples, 44_100)
    soundfile.write(tmp_path / "c.mp3", samples, 44_100)
    soundfile.write(tmp_path / "d.wav", samples, 44_100, subtype="FLOAT")
    assert [one["digit"] for one in predict(tmp_path, models=models)] == [4, 4, 4, 4]


@pytest.mark.parametrize("size", [None, 0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_standard_input_may_not_know_its_length(models: Models, size: int | None) -> None:
    content = bytearray(wav(say(7, 0, 0)))
    if size is not None:
        struct.pack_into("<I", content, 40, size)
    words = [sys.executable, "-m", "audiomnist", "predict", "-", "--model", models.onnx]
    done = subprocess.run(words, input=bytes(content), capture_output=True, check=True)
    assert done.stdout.startswith(b"-: 7 ")


def test_sizes_are_left_alone_where_they_are_right() -> None:
    content = wav(say(7, 0, 0))
    assert with_known_sizes(content) == content
    assert with_known_sizes(content[:-101])[40:44] == struct.pack("<I", len(content) - 44 - 102)
    assert with_known_sizes(b"no sound") == b"no sound"


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        ((), 2, "nothing to recognise"),
        (("nowhere.wav",), 3, "no such file"),
        (("empty",), 3, "no recordings"),
        (("-", "empty"), 2, "standard input"),
    ],
)
def test_what_cannot_be_recognised_is_refused(
    words: tuple[str, ...],
    exit_code: int,
    message: str,
    models: Models,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    refused = audiomnist("predict", *words, "--model", models.onnx, "--json")
    assert refused.exit_code == exit_code
    assert message in refused.json["error"]


def test_without_a_shipped_model_the_newest_run_answers(
    models: Models, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("audiomnist.inference.opening._MODELS", tmp_path)
    file = models.corpus / "7_george_0.wav"
    refused = audiomnist("predict", file)
    assert (refused.exit_code, "this installation has no built-in model" in refused.stderr) == (3, True)
    monkeypatch.setenv("AUDIOMNIST_HOME", str(tmp_path))
    shutil.copytree(models.run, tmp_path / "runs" / "mine")
    assert str(Path("runs") / "mine") in succeeds("predict", file).stderr


def test_a_folder_called_digits_hides_the_shipped_model_only_as_a_run(
    models: Models, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    shutil.copy(models.corpus / "7_george_0.wav", "digits")
    assert "models" in succeeds("predict", "digits").stderr.partition("\n")[0]
    assert "models" in succeeds("evaluate", "digits", "--data", models.corpus, "--json").json["run"]
    shutil.rmtree("digits")
    shutil.copytree(models.run, "digits")
    file = models.corpus / "7_george_0.wav"
    assert f"model: {Path('digits', 'model.safetensors')}" in succeeds("predict", file).stderr
