"""eSpeak NG: the C library and the voices in the ``espeakng-loader`` wheel."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from audiomnist.errors import ConfigError

if sys.platform == "win32":
    from _ctypes import FreeLibrary as _unload
else:
    from _ctypes import dlclose as _unload

SAMPLE_RATE_HZ = 22_050

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


def utter(
    text: str, variant: str, accent: str, *, pitch: int, pitch_range: int, rate_wpm: int, noise_seed: int
) -> NDArray[np.int16]:
    """Say ``text`` without silence around it; the arguments alone decide how it sounds.

    The library seeds the noise of a breath by the clock, and no call sets back the phases of flutter and roughness.
    So the noise is seeded, and the library loaded again each time, in about 2 ms. Not for several threads at once.

    Raises ConfigError if the library or its voices cannot be loaded.

    Parameters
    ----------
    text, variant, accent : str
    pitch, pitch_range : int
        0 to 99, where 50 is the variant's own.
    rate_wpm : int
        Words per minute, 80 to 450.
    noise_seed : int
        Of the breath, non-negative.

    Returns
    -------
    int16 array [n_samples]
        At 22,050 Hz.
    """
    heard: list[bytes] = []

    def listen(samples: int | None, count: int, _events: int | None) -> int:
        if samples:
            heard.append(ctypes.string_at(samples, 2 * count))
        return 0

    listener = _Listener(listen)
    name = f"{accent}+{variant}"
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
    return without_silence(np.frombuffer(b"".join(heard), np.int16))


def without_silence(sound: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the part from the first to the last sample that can be heard."""
    loudness = np.abs(sound, dtype=np.int32)
    audible = np.flatnonzero(loudness > _AUDIBLE * loudness.max(initial=0))
    return sound[audible[0] : audible[-1] + 1] if audible.size else sound[:0]


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
