"""Flite: voices built from recordings of four people, where the program is installed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiomnist.errors import ConfigError
from audiomnist.synthesis.espeak import without_silence

_RATE_WPM = 150  # of all voices, about
_PITCH_SPREAD_HZ = 18


@dataclass(frozen=True)
class Person:
    """Whom a voice was recorded from."""

    gender: str
    accent: str
    pitch_hz: int


VOICES = {
    "kal16": Person("male", "en-us", 105),
    "awb": Person("male", "en-gb-scotland", 135),
    "rms": Person("male", "en-us", 100),
    "slt": Person("female", "en-us", 170),
}


def utter(
    text: str, variant: str, accent: str, *, pitch: int, pitch_range: int, rate_wpm: int, noise_seed: int
) -> NDArray[np.int16]:
    """Say ``text`` and return what is heard, at 16 kHz, without the silence around it.

    Parameters
    ----------
    text, variant : str
    accent, noise_seed
        Not used: a voice has its own accent, and its noise is always the same.
    pitch, pitch_range : int
        0 to 99, where 50 is the voice's own; an octave is 50.
    rate_wpm : int
        Words per minute.

    Raises
    ------
    ConfigError
        If the program is not installed, or fails.
    """
    del accent, noise_seed
    program = shutil.which("flite")
    if program is None:
        raise ConfigError("flite is not installed", "apt-get install flite, or leave out --engine flite")
    settings = {
        "duration_stretch": _RATE_WPM / rate_wpm,
        "int_f0_target_mean": VOICES[variant].pitch_hz * 2 ** ((pitch - 50) / 50),
        "int_f0_target_stddev": _PITCH_SPREAD_HZ * pitch_range / 50,
    }
    with TemporaryDirectory(prefix="audiomnist-") as folder:
        wav = Path(folder, "word.wav")
        command = [program, "-voice", variant, "-t", text, "-o", str(wav)]
        for name, value in settings.items():
            command += ["--setf", f"{name}={value:.4f}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not wav.is_file():
            raise ConfigError(f"flite cannot speak as '{variant}': {done.stderr.strip()}", "install flite 2.2 or newer")
        sound, _ = soundfile.read(wav, dtype="int16")
    return without_silence(sound)
