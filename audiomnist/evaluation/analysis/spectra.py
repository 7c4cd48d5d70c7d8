"""Mel spectra of a few clips, sampled from the corpus with a fixed seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import read, resample
from audiomnist.config import Features
from audiomnist.corpus.scan import CLASSES, Corpus
from audiomnist.features.mel import MelPower, band_centres_hz

CLIPS_PER_DIGIT = 20
SPEAKERS_SHOWN = 10
N_MFCC = 20
_TOP_DB = 80.0
_QUIETEST_POWER = 1e-10
Spectrogram = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A clip to be shown.

    Attributes
    ----------
    mel_db : float32 array [n_mels, n_frames]
        dB, no lower than 80 below the loudest bin.
    mfcc : float32 array [n_mfcc, n_frames]
    """

    digit: int
    speaker: str
    mel_db: Spectrogram
    mfcc: Spectrogram


@dataclass(frozen=True)
class Spectra:
    """What the corpus looks like in mel bands.

    Attributes
    ----------
    frame_ms : float
        Time between frames.
    band_hz : float64 array [n_mels]
        Middle of each mel band.
    mean_db : float64 array [10, n_mels]
        Of each digit, in dB below its loudest band; NaN for a digit without clips.
    empty_bands : mapping of int to int
        By the corpus's sample rates: upper bands that hold nothing at all of such a recording.
    by_digit, by_speaker : tuple of Example
        One clip of each digit by one speaker; one clip of one digit by each of some speakers.
    """

    frame_ms: float
    band_hz: NDArray[np.float64]
    mean_db: NDArray[np.float64]
    empty_bands: dict[int, int]
    by_digit: tuple[Example, ...]
    by_speaker: tuple[Example, ...]


def compute_spectra(corpus: Corpus, sample_rates: NDArray[np.int64], features: Features) -> Spectra:
    """Compute the mel spectra of at most 20 clips per digit, always the same ones, and of the examples.

    ``sample_rates``, int64 array [n_clips], are those of the files, in Hz.
    """
    mel = MelPower(features)
    rng = np.random.default_rng(0)
    mean_db = np.full((len(CLASSES), features.n_mels), np.nan)
    for digit in range(len(CLASSES)):
        clips = np.flatnonzero(corpus.digits == digit)
        if len(clips):
            chosen = rng.choice(clips, min(CLIPS_PER_DIGIT, len(clips)), replace=False)
            mean_db[digit] = np.mean([_mean_spectrum_db(_mel_power(corpus, int(clip), mel)) for clip in chosen], 0)
            mean_db[digit] -= mean_db[digit].max()
    by_digit, by_speaker = _choose_examples(corpus)
    return Spectra(
        frame_ms=1000 * features.hop_length / features.sample_rate,
        band_hz=band_centres_hz(features).numpy().astype(np.float64),
        mean_db=mean_db,
        empty_bands={int(rate): _n_empty_bands(mel, features, int(rate)) for rate in np.unique(sample_rates)},
        by_digit=tuple(_example(corpus, clip, mel) for clip in by_digit),
        by_speaker=tuple(_example(corpus, clip, mel) for clip in by_speaker),
    )


def _choose_examples(corpus: Corpus) -> tuple[list[int], list[int]]:
    """Choose a clip per digit of the speaker with most digits, and one per speaker of the digit most of them say."""
    first: dict[tuple[str, int], int] = {}
    pairs = zip(corpus.speakers.tolist(), corpus.digits.tolist(), strict=True)
    for clip, pair in enumerate(pairs):
        first.setdefault(pair, clip)
    speakers = [speaker for speaker, _ in first]
    digits = [digit for _, digit in first]
    speaker = max(sorted(set(speakers)), key=speakers.count)
    digit = max(sorted(set(digits)), key=digits.count)
    others = sorted(name for name, spoken in first if spoken == digit)
    shown = [others[place] for place in np.unique(np.linspace(0, len(others) - 1, SPEAKERS_SHOWN).astype(int))]
    by_digit = [first[speaker, each] for each in range(len(CLASSES)) if (speaker, each) in first]
    return by_digit, [first[name, digit] for name in shown]


def _mel_power(corpus: Corpus, clip: int, mel: MelPower) -> NDArray[np.float32]:
    samples = resample(*read(corpus.file(clip)), mel.sample_rate)
    power: NDArray[np.float32] = mel([samples]).numpy()
    return power


def _mean_spectrum_db(power: NDArray[np.float32]) -> NDArray[np.float64]:
    spectrum = power.mean(0, dtype=np.float64)
    decibels: NDArray[np.float64] = 10 * np.log10(np.maximum(spectrum / max(spectrum.max(), _QUIETEST_POWER), 1e-8))
    return decibels


def _example(corpus: Corpus, clip: int, mel: MelPower) -> Example:
    from scipy.fft import dct

    decibels = 10 * np.log10(np.maximum(_mel_power(corpus, clip, mel), _QUIETEST_POWER))
    decibels = np.maximum(decibels, decibels.max() - _TOP_DB)
    mfcc = dct(decibels, norm="ortho")[:, :N_MFCC]
    return Example(int(corpus.digits[clip]), str(corpus.speakers[clip]), decibels.T, mfcc.T)


def _n_empty_bands(mel: MelPower, features: Features, sample_rate: int) -> int:
    """Count the bands whose filter lies wholly above half of a recording's sample rate."""
    bins_hz = np.linspace(0, features.sample_rate / 2, features.n_fft // 2 + 1)
    below = mel.filters.numpy()[bins_hz <= sample_rate / 2]
    return int((below.sum(0) == 0).sum() - (mel.filters.numpy().sum(0) == 0).sum())
