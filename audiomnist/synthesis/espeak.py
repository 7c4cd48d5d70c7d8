"""Sixty voices, and eSpeak NG that speaks in them: the C library in the ``espeakng-loader`` wheel."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audiomnist.errors import ConfigError

if sys.platform == "win32":
    from _ctypes import FreeLibrary as _unload
else:
    from _ctypes import dlclose as _unload

SAMPLE_RATE_HZ = 22_050
MOST_SPEAKERS = 60

# The variants of eSpeak NG 1.52 in which all ten words are clear and sound like a person. The others are
# robots, whispers and jokes, differ from one of these in pitch or tone only, have consonants too faint to
# tell "six" from "eight", hurry through each word, or draw noise that cannot be seeded everywhere ("Reed").
VARIANTS = {
    "female": ("f1", "f2", "f3", "f4", "f5", "Annie", "aunty", "belinda", "linda"),
    "male": (
        *("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Denis", "Diogo", "Hugo", "Mario", "Mike"),
        *("Nguyen", "benjamin", "edward2", "john", "max", "michel", "pablo", "quincy", "rob"),
    ),
}
# What the metadata says of each accent, and of where it is spoken.
ACCENTS = {
    "en-us": ("English (America)", "North-America, United States"),
    "en-us-nyc": ("English (America, New York City)", "North-America, United States, New York"),
    "en-029": ("English (Caribbean)", "North-America, Caribbean"),
    "en": ("English (Great Britain)", "Europe, United Kingdom"),
    "en-gb-scotland": ("English (Scotland)", "Europe, United Kingdom, Scotland"),
    "en-gb-x-rp": ("English (Received Pronunciation)", "Europe, United Kingdom, England"),
    "en-gb-x-gbclan": ("English (Lancaster)", "Europe, United Kingdom, Lancaster"),
    "en-gb-x-gbcwmd": ("English (West Midlands)", "Europe, United Kingdom, West Midlands"),
}

# The names of the C header, espeak-ng/speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1

_BUFFER_MS = 2_000
# At full volume some voices overflow, and the library's gain control then pumps.
_VOLUME_PERCENT = 40
# A command within the text: least reverberation, in place of the echo that some variants bring along.
_DRY = "\x011H"
_AUDIBLE = 0.005  # of the peak: -46 dB, just above what reverberation is left
_REINSTALL = "pip install --force-reinstall espeakng-loader"

_Listener = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Voice:
    """A speaker in front of a microphone.

    ``speaker`` counts from 1; ``pitch`` and ``pitch_range`` go from 0 to 99, where 50 is the variant's own.
    ``tract`` is how many of eSpeak's samples are played in the time of 147: more of them make a shorter vocal
    tract, in which formants and pitch lie higher. ``level_dbfs`` and ``noise_dbfs`` are the root mean squares
    of word and room; ``tilt_db`` is what the microphone adds per octave above 1 kHz and takes below.
    """

    speaker: int
    gender: str
    variant: str
    accent: str
    age: int
    pitch: int
    pitch_range: int
    rate_wpm: float
    tract: int
    level_dbfs: float
    noise_dbfs: float
    tilt_db: float


def cast(seed: int) -> tuple[Voice, ...]:
    """Draw the sixty speakers: a woman and a man in each two, no variant and accent twice."""
    rng = np.random.default_rng(seed)
    roles = []
    for gender, variants in VARIANTS.items():
        order = [variants[place] for place in rng.permutation(len(variants))]
        accents = [list(ACCENTS)[place] for place in rng.permutation(len(ACCENTS))]
        turns = [divmod(turn, len(order)) for turn in range(MOST_SPEAKERS // 2)]
        roles.append([(gender, order[place], accents[(place + lap) % len(accents)]) for lap, place in turns])
    shuffled = [pair[place] for pair in zip(*roles, strict=True) for place in rng.permutation(len(pair))]
    return tuple(_draw(seed, speaker, *role) for speaker, role in enumerate(shuffled, start=1))


def _draw(seed: int, speaker: int, gender: str, variant: str, accent: str) -> Voice:
    rng = np.random.default_rng((seed, speaker))
    return Voice(
        speaker,
        gender,
        variant,
        accent,
        age=int(rng.integers(18, 71)),
        pitch=int(rng.integers(35, 66)),
        pitch_range=int(rng.integers(30, 81)),
        rate_wpm=rng.uniform(110, 190),
        tract=int(rng.integers(140, 155)),
        level_dbfs=rng.uniform(-32, -24),
        noise_dbfs=rng.uniform(-75, -60),
        tilt_db=rng.uniform(-1.5, 1.5),
    )


def utter(
    text: str, voice: Voice, *, pitch: int, pitch_range: int, rate_wpm: int, noise_seed: int
) -> NDArray[np.int16]:
    """Say ``text`` and return what is heard, without the silence around it.

    The arguments alone decide what that is. The library seeds the noise of a breath by the clock, and no call
    of its interface sets back the phases of flutter and roughness, static variables all; so the noise is
    seeded, and each utterance has the library loaded afresh, in about 2 ms. Not for several threads at once.

    Parameters
    ----------
    text : str
    voice : Voice
        Gives variant and accent.
    pitch, pitch_range : int
        0 to 99.
    rate_wpm : int
        Words per minute, 80 to 450.
    noise_seed : int
        Of the breath, non-negative.

    Returns
    -------
    int16 array [n_samples]
        At ``SAMPLE_RATE_HZ``.

    Raises
    ------
    ConfigError
        If the library or its voices cannot be loaded.
    """
    heard: list[bytes] = []

    def listen(samples: int | None, count: int, _events: int | None) -> int:
        if samples:
            heard.append(ctypes.string_at(samples, 2 * count))
        return 0

    listener = _Listener(listen)
    name = f"{voice.accent}+{voice.variant}"
    settings = {_RATE: rate_wpm, _VOLUME: _VOLUME_PERCENT, _PITCH: pitch, _RANGE: pitch_range}
    words = f"{_DRY}{text}".encode()
    with _fresh_library() as library:
        if library.espeak_SetVoiceByName(name.encode()) != 0:
            raise ConfigError(f"eSpeak NG has no voice '{name}'", _REINSTALL)
        for parameter, value in settings.items():
            library.espeak_SetParameter(parameter, value, 0)
        library.espeak_SetSynthCallback(listener)
        library.espeak_ng_SetRandSeed(ctypes.c_long(noise_seed))
        size = ctypes.c_size_t(len(words) + 1)
        library.espeak_Synth(words, size, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
    sound = np.frombuffer(b"".join(heard), np.int16)
    loudness = np.abs(sound, dtype=np.int32)
    audible = np.flatnonzero(loudness > _AUDIBLE * loudness.max())
    return sound[audible[0] : audible[-1] + 1]


@contextmanager
def _fresh_library() -> Iterator[ctypes.CDLL]:
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
    except (ImportError, OSError, RuntimeError) as error:
        raise ConfigError(f"eSpeak NG cannot be loaded: {error}", "pip install 'audiomnist[synth]'") from error
    try:
        rate_hz = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data.encode(), _INITIALIZE_DONT_EXIT)
        if rate_hz != SAMPLE_RATE_HZ:
            raise ConfigError(f"eSpeak NG finds no voices in {data}", _REINSTALL)
        yield library
    finally:
        library.espeak_Terminate()
        _unload(library._handle)
