"""``live`` with a microphone that plays what the test gives it."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from audiomnist.cli.app import app
from audiomnist.training.checkpoint import save_model
from tests.cli.command import refused
from tests.page.conftest import clip, trained

RATE = 44_100
Samples = NDArray[np.float32]
Event = Callable[..., None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(trained(), path)
    return path


class PortAudioError(Exception):
    pass


def microphone(sound: Samples) -> Any:
    """Return what stands in for sounddevice: an input that plays a sound, then silence, and then is unplugged."""

    class InputStream:
        def __init__(self, *, blocksize: int, callback: Event, finished_callback: Event, **_: Any) -> None:
            silence = np.zeros((60, blocksize, 1), np.float32)
            padded = np.pad(sound, (0, -len(sound) % blocksize))
            self.blocks = [*padded.reshape(-1, blocksize, 1), *silence]
            self.callback, self.finished, self.is_open = callback, finished_callback, False

        def __enter__(self) -> None:
            self.is_open = True
            threading.Thread(target=self.play, daemon=True).start()

        def __exit__(self, *_: object) -> None:
            self.is_open = False

        def play(self) -> None:
            for block in self.blocks:
                if self.is_open:
                    self.callback(block, len(block), None, None)
            self.finished()

    def query_devices(device: Any, kind: str) -> dict[str, Any]:
        if device is not None:
            raise ValueError(f"No {kind} device matching {device!r}")
        return {"index": 0, "name": "a microphone", "default_samplerate": float(RATE)}

    return SimpleNamespace(InputStream=InputStream, query_devices=query_devices, PortAudioError=PortAudioError)


def said(*digits: int) -> Samples:
    pause = np.zeros(RATE // 2, np.float32)
    return np.concatenate([pause, *(part for digit in digits for part in (clip(digit, sample_rate=RATE), pause))])


def live(monkeypatch: pytest.MonkeyPatch, sound: Samples, *words: object, keys: str) -> Any:
    monkeypatch.setitem(sys.modules, "sounddevice", microphone(sound))
    return CliRunner().invoke(app, ["live", *map(str, words)], input=keys, catch_exceptions=False)


def test_a_digit_for_every_enter(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = live(monkeypatch, said(7), "--model", model, keys="\n\nq\n")
    assert result.exit_code == 0
    assert [line.split()[-2] for line in result.stdout.splitlines() if "0." in line or "1.00" in line] == ["7", "7"]
    assert "microphone: a microphone" in result.stderr


def test_silence_is_no_digit(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = live(monkeypatch, np.zeros(RATE, np.float32), "--model", model, keys="\n")
    assert result.stdout == "nothing was heard\n"


def test_listening_on_and_on(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = live(monkeypatch, said(4, 0, 7), "--continuous", "--json", "--model", model, keys="")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["digits"] == "407"
    starts = [segment["start_s"] for segment in document["segments"]]
    assert starts == sorted(starts)
    assert abs(starts[0] - 0.5) < 0.1


def test_no_such_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", microphone(said(7)))
    assert "no microphone called loft" in refused(4, "live", "--input", "loft").error


def test_nothing_to_record_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert refused(4, "live").hint == "pip install 'audiomnist[live]'"
    monkeypatch.delitem(sys.modules, "sounddevice")
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert refused(4, "live").hint == "sudo apt-get install libportaudio2"
