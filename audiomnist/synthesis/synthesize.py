"""A corpus of spoken digits made on the spot, in AudioMNIST's layout; a few milliseconds of work a clip."""

import io
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from pydantic import TypeAdapter

from audiomnist import stopping
from audiomnist.corpus.listing import DIGIT_WORDS as WORDS
from audiomnist.corpus.metadata import FILE_NAME
from audiomnist.corpus.new_folder import NewFolder
from audiomnist.errors import DataError, UsageError
from audiomnist.processes import submit_all, worker_pool
from audiomnist.progress import Show, unseen
from audiomnist.synthesis.voices import ACCENTS, ENGINES, MOST_SPEAKERS, SAMPLE_RATE_HZ, Voice, cast

_SETTINGS_KEY = "synthesis"
_ELSEWHERE = "name another folder with --out, or remove this one"
_ENDINGS = (".", ".", ".", ",", "!")  # falling, rising, emphatic
_WORD_S = (0.2, 0.9)
_MARGIN_S = (0.008, 0.03)


@dataclass(frozen=True)
class Settings:
    """What a corpus was made with; its metadata keeps it. ``voices`` counts the changes of how they sound."""

    speakers: int
    repetitions: int
    seed: int
    engines: tuple[str, ...] = ("espeak",)
    voices: int = 1

    @property
    def n_clips(self) -> int:
        """Clips of a complete corpus."""
        return self.speakers * self.repetitions * len(WORDS)


def synthesize(
    out: Path,
    *,
    speakers: int = 20,
    repetitions: int = 10,
    seed: int = 0,
    engines: Sequence[str] = ("espeak",),
    jobs: int | None = None,
    progress: Show = unseen,
    on_event: Callable[[str], None] = lambda line: None,
) -> Path:
    """Make a corpus: ``<out>/data/<SS>/<digit>_<SS>_<repetition>.wav`` and the speakers' metadata.

    A clip depends on ``seed``, its speaker, repetition and digit alone, so a small corpus is a part of every
    larger one. ``out`` appears in one step when all clips are made; if it is there, made with the same settings, it
    is left as it is. Of two calls at once the second waits for the first.

    Parameters
    ----------
    out : Path
        Folder that is empty or not there yet; returned.
    speakers, repetitions : int
        1 to 60 speakers, and how often each says each digit.
    seed : int
        Decides the speakers and how they say each word.
    engines : sequence of str
        ``espeak``, or ``flite`` where that is installed; the speakers of several come by turns.
    jobs : int, optional
        Processes; as many as the machine has cores if not given.
    progress, on_event : callable
        Told how many clips are made, and in a line that the corpus is there already, or made by another process.

    Raises
    ------
    UsageError
        If a number is out of its range.
    DataError
        If ``out`` holds anything else, or its disk is full or cannot be written to.
    ConfigError
        If an engine cannot be loaded.
    """
    settings = Settings(speakers, repetitions, seed, tuple(engines))
    _check(settings, jobs)
    place = NewFolder(out, "synth")
    try:
        if place.is_vacant or not place.is_clear:
            with place.alone(on_event):
                if place.is_vacant:
                    with place.filling() as corpus:
                        _make(corpus, settings, jobs, progress)
                    return out
                place.remove_leftovers()
        _require_made_with(settings, out)
    except OSError as error:
        raise DataError(
            f"{error.filename or out}: {error.strerror or error}", "check the folder's permissions and its disk"
        ) from error
    on_event(f"{out} is already there, made with these settings")
    return out


def speak(voice: Voice, digit: int, repetition: int, seed: int) -> NDArray[np.float32]:
    """Return a clip of a digit, as ``speak_word`` does; each repetition is said a little differently."""
    # Counted from 1, as NumPy makes the same stream of (seed, speaker) and (seed, speaker, 0, 0).
    return speak_word(voice, WORDS[digit], np.random.default_rng((seed, voice.speaker, repetition + 1, digit)))


def speak_word(voice: Voice, word: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a clip of a word, float32 array [L], mono, 48 kHz, within -1..1, 0.2 to 1 s.

    Raises ConfigError if the voice's engine cannot be loaded.
    """
    block = ENGINES[voice.engine].block
    said = _say(voice, word, rng)
    n_word = round(said.size * block / voice.tract)
    n_lead, n_tail = (round(margin_s * SAMPLE_RATE_HZ) for margin_s in rng.uniform(*_MARGIN_S, size=2))
    n_clip = n_lead + n_word + n_tail
    n_blocks = 8 * math.ceil(n_clip / (8 * block))  # a size that transforms fast
    n_samples = n_blocks * block

    spectrum = np.fft.rfft(said, n_blocks * voice.tract)
    hertz = np.maximum(np.fft.rfftfreq(n_samples, 1 / SAMPLE_RATE_HZ), 50)
    octaves = np.log2(hertz[: spectrum.size] / 1_000)
    speech = np.fft.irfft(spectrum * _amplitude(voice.tilt_db * octaves), n_samples)
    speech *= _amplitude(voice.level_dbfs + rng.uniform(-2, 2)) / _rms(speech[:n_word])

    white = rng.standard_normal(2 * hertz.size).view(np.complex128)
    room = np.fft.irfft(white / np.sqrt(hertz), n_samples)  # pink
    room *= _amplitude(voice.noise_dbfs) / _rms(room)
    return (np.roll(speech, n_lead) + room)[:n_clip].astype(np.float32)


def _say(voice: Voice, word: str, rng: np.random.Generator) -> NDArray[np.int16]:
    """Say a word, and again faster or slower for as long as its length is not that of a word."""
    text = word + rng.choice(_ENDINGS)
    pitch = voice.pitch + int(rng.integers(-4, 5))
    pitch_range = voice.pitch_range + int(rng.integers(-12, 13))
    rate_wpm = voice.rate_wpm * rng.uniform(0.95, 1.05)
    noise_seed = int(rng.integers(2**31))
    engine = ENGINES[voice.engine]
    ours_to_theirs = voice.tract / engine.block  # samples
    shortest, longest = (word_s * SAMPLE_RATE_HZ * ours_to_theirs for word_s in _WORD_S)
    while True:
        said = engine.utter(
            text,
            voice.variant,
            voice.accent,
            pitch=pitch,
            pitch_range=pitch_range,
            rate_wpm=round(rate_wpm),
            noise_seed=noise_seed,
        )
        if shortest <= said.size <= longest:
            return said
        rate_wpm *= 1.05 if said.size > longest else 0.95


def _require_made_with(settings: Settings, out: Path) -> None:
    try:
        entries = json.loads((out / "data" / FILE_NAME).read_bytes())
        found = TypeAdapter(Settings).validate_python(next(iter(entries.values()))[_SETTINGS_KEY])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        raise DataError(f"{out} already holds something else", _ELSEWHERE) from error
    asked = asdict(settings)
    differing = [f"{name} {value}, not {asked[name]}" for name, value in asdict(found).items() if value != asked[name]]
    if differing:
        raise DataError(f"{out} was made with other settings: {', '.join(differing)}", _ELSEWHERE)
    n_clips = sum(1 for _ in out.glob("data/*/*.wav"))
    if n_clips < settings.n_clips:
        raise DataError(f"{out} lacks {settings.n_clips - n_clips:,} of its {settings.n_clips:,} clips", _ELSEWHERE)


def _make(corpus: Path, settings: Settings, jobs: int | None, progress: Show) -> None:
    voices = cast(settings.seed, settings.engines)[: settings.speakers]
    for voice in voices:
        _folder(corpus, voice).mkdir(parents=True)
    (corpus / "data" / FILE_NAME).write_text(_metadata(voices, settings), encoding="utf-8")
    takes = [
        (_folder(corpus, voice), voice, repetition, settings.seed)
        for voice in voices
        for repetition in range(settings.repetitions)
    ]
    # Processes, as eSpeak's state is global.
    with stopping.at_safe_points(), worker_pool(jobs) as pool:
        pending = submit_all(pool, _record, takes)
        for done, recorded in enumerate(as_completed(pending), start=1):
            stopping.check()
            recorded.result()
            progress(done * len(WORDS), settings.n_clips)


def _record(folder: Path, voice: Voice, repetition: int, seed: int) -> None:
    for digit in range(len(WORDS)):
        path = folder / f"{digit}_{voice.speaker:02d}_{repetition}.wav"
        wav = io.BytesIO()  # on a full disk libsndfile does not say what is wrong
        soundfile.write(wav, speak(voice, digit, repetition, seed), SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
        path.write_bytes(wav.getbuffer())


def _folder(corpus: Path, voice: Voice) -> Path:
    return corpus / "data" / f"{voice.speaker:02d}"


def _metadata(voices: Sequence[Voice], settings: Settings) -> str:
    entries: dict[str, dict[str, object]] = {
        f"{voice.speaker:02d}": {
            "accent": ACCENTS[voice.accent][0],
            "age": str(voice.age),
            "gender": voice.gender,
            "native speaker": "yes",
            "origin": ACCENTS[voice.accent][1],
            "recordingdate": "00-00-00-00-00-00",
            "recordingroom": "synthetic",
            _SETTINGS_KEY: asdict(settings),
        }
        for voice in voices
    }
    return json.dumps(entries, indent=4)


def _check(settings: Settings, jobs: int | None) -> None:
    if not settings.engines or not set(settings.engines) <= set(ENGINES):
        raise UsageError(f"no such engine: {', '.join(settings.engines)}", f"choose from {', '.join(ENGINES)}")
    if not 1 <= settings.speakers <= MOST_SPEAKERS:
        raise UsageError(
            f"--speakers {settings.speakers}: there are {MOST_SPEAKERS} voices",
            f"give a number from 1 to {MOST_SPEAKERS}",
        )
    for name, value, least in (("repetitions", settings.repetitions, 1), ("seed", settings.seed, 0), ("jobs", jobs, 1)):
        if value is not None and value < least:
            raise UsageError(f"--{name} {value} is too low", f"give {least} or more")


def _amplitude(decibels: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.power(10.0, np.divide(decibels, 20))


def _rms(sound: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))
