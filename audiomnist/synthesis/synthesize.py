"""A corpus of spoken digits made on the spot, in AudioMNIST's layout; a few milliseconds of work a clip."""

import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiomnist.corpus.metadata import FILE_NAME
from audiomnist.errors import DataError, UsageError
from audiomnist.files import write_text
from audiomnist.processes import submit_all, worker_pool
from audiomnist.synthesis import espeak
from audiomnist.synthesis.espeak import ACCENTS, MOST_SPEAKERS, Voice, cast

Progress = Callable[[int, int], None]

SAMPLE_RATE_HZ = 48_000
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_ENDINGS = (".", ".", ".", ",", "!")  # falling, rising, emphatic
_WORD_S = (0.2, 0.9)
_MARGIN_S = (0.008, 0.03)
# 320 of our samples last as long as 147 of eSpeak's.
_BLOCK, _ESPEAK_BLOCK = 320, 147


def synthesize(
    out: Path,
    *,
    speakers: int = 20,
    repetitions: int = 10,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make a corpus: ``<out>/data/<SS>/<digit>_<SS>_<repetition>.wav`` and the speakers' metadata.

    A clip depends on ``seed``, its speaker, repetition and digit alone, so a small corpus is a part of every
    larger one. ``out`` appears in one step when all clips are made.

    Parameters
    ----------
    out : Path
        Folder that is empty or not there yet.
    speakers : int
        1 to 60.
    repetitions : int
        Of each digit by each speaker; 60 speakers and 50 repetitions are AudioMNIST's shape.
    seed : int
        Draws the speakers and how they say each word.
    jobs : int, optional
        Processes; as many as the machine has cores if not given.
    progress : callable, optional
        Told how many clips are made, of how many.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    UsageError
        If a number is out of its range.
    DataError
        If ``out`` holds anything.
    ConfigError
        If eSpeak NG cannot be loaded.
    """
    _check(speakers, repetitions, seed, jobs)
    target = out.resolve()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise DataError(f"{out} already holds something", "remove it, or name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    voices = cast(seed)[:speakers]
    with TemporaryDirectory(prefix=f"{target.name}.partial-", dir=target.parent) as partial:
        corpus = Path(partial, target.name)
        for voice in voices:
            _folder(corpus, voice).mkdir(parents=True)
        write_text(corpus / "data" / FILE_NAME, _metadata(voices))
        takes = [
            (_folder(corpus, voice), voice, repetition, seed) for voice in voices for repetition in range(repetitions)
        ]
        _record_all(takes, jobs, progress)
        corpus.rename(target)
    return out


def speak(voice: Voice, digit: int, repetition: int, seed: int) -> NDArray[np.float32]:
    """Return one clip.

    Parameters
    ----------
    voice : Voice
    digit : int
        0 to 9.
    repetition : int
        From 0; each is said a little differently.
    seed : int

    Returns
    -------
    float32 array [n_samples]
        Mono, 48 kHz, within -1..1; 0.2 to 1 s.

    Raises
    ------
    ConfigError
        If eSpeak NG cannot be loaded.
    """
    # Counted from 1, as NumPy makes the same stream of (seed, speaker) and (seed, speaker, 0, 0).
    rng = np.random.default_rng((seed, voice.speaker, repetition + 1, digit))
    word = _say(voice, digit, rng)
    n_word = round(word.size * _BLOCK / voice.tract)
    n_lead, n_tail = (round(margin_s * SAMPLE_RATE_HZ) for margin_s in rng.uniform(*_MARGIN_S, size=2))
    n_clip = n_lead + n_word + n_tail
    n_blocks = 8 * math.ceil(n_clip / (8 * _BLOCK))  # a size that transforms fast
    n_samples = n_blocks * _BLOCK

    spectrum = np.fft.rfft(word, n_blocks * voice.tract)
    hertz = np.maximum(np.fft.rfftfreq(n_samples, 1 / SAMPLE_RATE_HZ), 50)
    octaves = np.log2(hertz[: spectrum.size] / 1_000)
    speech = np.fft.irfft(spectrum * _amplitude(voice.tilt_db * octaves), n_samples)
    speech *= _amplitude(voice.level_dbfs + rng.uniform(-2, 2)) / _rms(speech[:n_word])

    white = rng.standard_normal(2 * hertz.size).view(np.complex128)
    room = np.fft.irfft(white / np.sqrt(hertz), n_samples)  # pink
    room *= _amplitude(voice.noise_dbfs) / _rms(room)
    return (np.roll(speech, n_lead) + room)[:n_clip].astype(np.float32)


def _say(voice: Voice, digit: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Say a word, and again faster or slower for as long as its length is not that of a word."""
    text = WORDS[digit] + rng.choice(_ENDINGS)
    pitch = voice.pitch + int(rng.integers(-4, 5))
    pitch_range = voice.pitch_range + int(rng.integers(-12, 13))
    rate_wpm = voice.rate_wpm * rng.uniform(0.95, 1.05)
    noise_seed = int(rng.integers(2**31))
    shortest, longest = (word_s * espeak.SAMPLE_RATE_HZ * voice.tract / _ESPEAK_BLOCK for word_s in _WORD_S)
    while True:
        word = espeak.utter(
            text,
            voice,
            pitch=pitch,
            pitch_range=pitch_range,
            rate_wpm=round(rate_wpm),
            noise_seed=noise_seed,
        )
        if shortest <= word.size <= longest:
            return word
        rate_wpm *= 1.05 if word.size > longest else 0.95


def _record_all(takes: Sequence[tuple[Path, Voice, int, int]], jobs: int | None, progress: Progress | None) -> None:
    # Processes, as eSpeak's state is global.
    with worker_pool(jobs) as pool:
        pending = submit_all(pool, _record, takes)
        for done, recorded in enumerate(as_completed(pending), start=1):
            recorded.result()
            if progress is not None:
                progress(done * len(WORDS), len(takes) * len(WORDS))


def _record(folder: Path, voice: Voice, repetition: int, seed: int) -> None:
    for digit in range(len(WORDS)):
        path = folder / f"{digit}_{voice.speaker:02d}_{repetition}.wav"
        soundfile.write(path, speak(voice, digit, repetition, seed), SAMPLE_RATE_HZ, subtype="PCM_16")


def _folder(corpus: Path, voice: Voice) -> Path:
    return corpus / "data" / f"{voice.speaker:02d}"


def _metadata(voices: Sequence[Voice]) -> str:
    entries = {
        f"{voice.speaker:02d}": {
            "accent": ACCENTS[voice.accent][0],
            "age": str(voice.age),
            "gender": voice.gender,
            "native speaker": "yes",
            "origin": ACCENTS[voice.accent][1],
            "recordingdate": "00-00-00-00-00-00",
            "recordingroom": "synthetic",
        }
        for voice in voices
    }
    return json.dumps(entries, indent=4)


def _check(speakers: int, repetitions: int, seed: int, jobs: int | None) -> None:
    if not 1 <= speakers <= MOST_SPEAKERS:
        raise UsageError(f"{speakers} speakers cannot be made", f"ask for 1 to {MOST_SPEAKERS}")
    if repetitions < 1:
        raise UsageError(f"{repetitions} repetitions cannot be made", "ask for 1 or more")
    if seed < 0:
        raise UsageError(f"{seed} is no seed", "give 0 or more")
    if jobs is not None and jobs < 1:
        raise UsageError(f"{jobs} processes cannot work", "give 1 or more")


def _amplitude(decibels: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.power(10.0, np.divide(decibels, 20))


def _rms(sound: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))
