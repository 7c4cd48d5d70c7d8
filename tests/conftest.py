"""Corpora of tones that a small network learns in seconds, and a home of its own for every test."""

import io
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile
from filelock import FileLock
from hypothesis import settings
from numpy.typing import NDArray

# Tests run side by side on few cores, where the threads of so small networks only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell's background job ignores Ctrl-C, and so would the commands that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("audiomnist", deadline=None, max_examples=50)
settings.load_profile("audiomnist")

NAMES = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
LOWEST_TONE_HZ, TONE_RATIO = 500, 1.22

MakeCorpus = Callable[..., Path]  # write_corpus
Once = Callable[[str, Callable[[Path], object]], Path]


def say(digit: int, speaker: int, repetition: int, *, sample_rate: int = 8_000, seed: int = 0) -> NDArray[np.float64]:
    """Return two tones, one after the other, that stand for the digit, over a hum at the speaker's pitch."""
    draw = np.random.default_rng([seed, digit, speaker, repetition])
    seconds = np.arange(int(draw.uniform(0.3, 0.6) * sample_rate)) / sample_rate
    half = len(seconds) // 2
    first, second = (LOWEST_TONE_HZ * TONE_RATIO ** ((digit * step) % 10) for step in (1, 3))
    tones = np.sin(2 * np.pi * np.where(np.arange(len(seconds)) < half, first, second) * seconds)
    hum = np.sin(2 * np.pi * (90 + 25 * speaker) * seconds)
    noise = draw.normal(size=len(seconds))
    return draw.uniform(0.3, 0.9) * (0.7 * tones + 0.2 * hum + 0.01 * noise) * np.hanning(len(seconds)) ** 0.25


def write_corpus(
    root: Path,
    *,
    layout: Literal["fsdd", "audiomnist"] = "fsdd",
    speakers: int = 3,
    repetitions: int = 4,
    sample_rate: int = 8_000,
    seed: int = 0,
) -> Path:
    """Write what is not there yet: a clip depends on ``seed`` and its own name alone."""
    root.mkdir(parents=True, exist_ok=True)
    names = [_name(number, layout) for number in range(speakers)]
    for number, name in enumerate(names):
        folder = root / "data" / name if layout == "audiomnist" else root
        folder.mkdir(parents=True, exist_ok=True)
        for digit in range(10):
            for repetition in range(repetitions):
                samples = say(digit, number, repetition, sample_rate=sample_rate, seed=seed)
                _write_wav(folder / f"{digit}_{name}_{repetition}.wav", samples, sample_rate)
    if layout == "audiomnist":
        entries = {name: _about(number) for number, name in enumerate(names)}
        (root / "data" / "audioMNIST_meta.txt").write_text(json.dumps(entries), encoding="utf-8")
    return root


def _name(speaker: int, layout: str) -> str:
    if layout == "audiomnist":
        return f"{speaker + 1:02d}"
    return NAMES[speaker] if speaker < len(NAMES) else f"speaker{speaker}"


def _write_wav(path: Path, samples: NDArray[np.float64], sample_rate: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="WAV", subtype="PCM_16")
    if not path.exists() or path.read_bytes() != file.getvalue():
        path.write_bytes(file.getvalue())


def _about(speaker: int) -> dict[str, object]:
    return {
        "accent": "German",
        "age": 20 + speaker,
        "gender": "female" if speaker % 2 else "male",
        "native speaker": "no",
        "origin": "Europe, Germany, Berlin",
        "recordingdate": "17-06-22-11-04-28",
        "recordingroom": "vr-room",
    }


@pytest.fixture(scope="session")
def make_corpus() -> MakeCorpus:
    return write_corpus


@pytest.fixture(scope="session", autouse=True)
def _no_power_cut() -> Iterator[None]:
    """Spare the disk: a training syncs sixty times, and what that is for shows after a power cut only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """What takes time to make is made once for all processes, which read it only; others wait until it is whole."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder = shared / name
        with FileLock(f"{folder}.lock"), pytest.MonkeyPatch.context() as patch:
            if not folder.exists():
                folder.mkdir()
                patch.setenv("AUDIOMNIST_HOME", str(folder))
                try:
                    make(folder)
                except BaseException:
                    shutil.rmtree(folder)
                    raise
        return folder

    return made


@pytest.fixture(scope="session")
def small_corpus(once: Once) -> Path:
    """3 speakers, 4 repetitions, FSDD layout: 120 clips, to be read only."""
    return once("small", lambda folder: write_corpus(folder / "corpus")) / "corpus"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where data and runs of this test go."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOMNIST_HOME", str(path))
        patch.delenv("AUDIOMNIST_DATA", raising=False)
        yield path
