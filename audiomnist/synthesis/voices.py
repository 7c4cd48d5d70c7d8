"""Sixty speakers, and the engines that speak in their voices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiomnist.synthesis import espeak, flite

MOST_SPEAKERS = 60
SAMPLE_RATE_HZ = 48_000

# The variants of eSpeak NG 1.52 in which all ten words are clear and sound like a person. The others are
# robots, whispers and jokes, differ from one of these in pitch or tone only, have consonants too faint to
# tell "six" from "eight", hurry through each word, or make noise that cannot be seeded everywhere ("Reed").
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


class Engine(NamedTuple):
    """A program that speaks.

    Attributes
    ----------
    utter : callable
        Says a text in a variant and accent.
    block : int
        Samples of ours in which a voice's ``tract`` samples of the engine are played.
    tracts : tuple of int
        Range from which a voice's ``tract`` is sampled, without its end.
    """

    utter: Callable[..., NDArray[np.int16]]
    block: int
    tracts: tuple[int, int]


ENGINES = {
    "espeak": Engine(espeak.utter, block=320, tracts=(140, 155)),  # 147 at its own 22,050 Hz
    "flite": Engine(flite.utter, block=480, tracts=(139, 185)),  # 160 at its own 16,000 Hz
}


@dataclass(frozen=True)
class Voice:
    """A speaker in front of a microphone.

    ``speaker`` counts from 1; ``pitch`` and ``pitch_range`` go from 0 to 99, where 50 is the variant's own.
    ``tract`` is how many of the engine's samples are played in the time of a ``block`` of ours: more of them make a
    shorter vocal tract, in which formants and pitch lie higher. ``level_dbfs`` and ``noise_dbfs`` are the root mean
    squares of word and room; ``tilt_db`` is what the microphone adds per octave above 1 kHz and takes below.
    """

    engine: str
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


def cast(seed: int, engines: Sequence[str] = ("espeak",)) -> tuple[Voice, ...]:
    """Sample the sixty speakers, from the engines by turns."""
    roles = {"espeak": iter(_espeak_roles(seed)), "flite": iter(_flite_roles(seed))}
    turns = [engines[number % len(engines)] for number in range(MOST_SPEAKERS)]
    return tuple(_sample(seed, speaker, engine, *next(roles[engine])) for speaker, engine in enumerate(turns, start=1))


def _espeak_roles(seed: int) -> list[tuple[str, str, str]]:
    """Return gender, variant and accent of sixty speakers: a woman and a man in each two, none twice."""
    rng = np.random.default_rng(seed)
    roles = []
    for gender, variants in VARIANTS.items():
        order, accents = rng.permutation(variants).tolist(), rng.permutation(list(ACCENTS)).tolist()
        turns = [divmod(turn, len(order)) for turn in range(MOST_SPEAKERS // 2)]
        roles.append([(gender, order[place], accents[(place + lap) % len(accents)]) for lap, place in turns])
    return [pair[place] for pair in zip(*roles, strict=True) for place in rng.permutation(len(pair))]


def _flite_roles(seed: int) -> list[tuple[str, str, str]]:
    """Return the same for Flite, whose few voices come again with other pitches, tracts and rates."""
    rng = np.random.default_rng((seed, MOST_SPEAKERS + 1))
    laps = MOST_SPEAKERS // len(flite.VOICES)
    names = [name for _ in range(laps) for name in rng.permutation(list(flite.VOICES)).tolist()]
    return [(gender, name, accent) for name in names for gender, accent, _ in [flite.VOICES[name]]]


def _sample(seed: int, speaker: int, engine: str, gender: str, variant: str, accent: str) -> Voice:
    rng = np.random.default_rng((seed, speaker))
    return Voice(
        engine,
        speaker,
        gender,
        variant,
        accent,
        age=int(rng.integers(18, 71)),
        pitch=int(rng.integers(35, 66)),
        pitch_range=int(rng.integers(30, 81)),
        rate_wpm=rng.uniform(110, 190),
        tract=int(rng.integers(*ENGINES[engine].tracts)),
        level_dbfs=rng.uniform(-32, -24),
        noise_dbfs=rng.uniform(-75, -60),
        tilt_db=rng.uniform(-1.5, 1.5),
    )
