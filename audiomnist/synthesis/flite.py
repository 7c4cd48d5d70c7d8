"""Flite: voices built from recordings of four people, where the program is installed."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiomnist.errors import ConfigError
from audiomnist.synthesis.espeak import without_silence

# Gender, accent, and pitch in Hz of the people that the voices were recorded from.
VOICES = {
    "kal16": ("male", "en-us", 105),
    "awb": ("male", "en-gb-scotland", 135),
    "rms": ("male", "en-us", 100),
    "slt": ("female", "en-us", 170),
}
_RATE_WPM = 150  # of all voices, about
_PITCH_SPREAD_HZ = 18


def utter(
    text: str, variant: str, accent: str, *, pitch: int, pitch_range: int, rate_wpm: int, noise_seed: int
) -> NDArray[np.int16]:
    """Say ``text`` as `espeak.utter` does, at 16 kHz; a voice has its own accent, and its noise is always the same.

    Raises ConfigError if the program is not installed, or fails.
    """
    del accent, noise_seed
    program = shutil.which("flite")
    if program is None:
        raise ConfigError("flite is not installed", "apt-get install flite, or leave out --engine flite")
    _, _, pitch_hz = VOICES[variant]
    settings = {
        "duration_stretch": _RATE_WPM / rate_wpm,
        "int_f0_target_mean": pitch_hz * 2 ** ((pitch - 50) / 50),  # an octave is 50
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
