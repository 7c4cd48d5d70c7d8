"""What each distortion does to tones, noise and a clip with silence around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from audiomnist.evaluation.robustness import distortions, noises
from audiomnist.evaluation.robustness.sweep import Clip, all_families
from tests.conftest import say

RATES = (8_000, 16_000, 48_000)
Wave = NDArray[np.float32]


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tone(hertz: float, sample_rate: int, seconds: float = 1.0) -> Wave:
    return np.sin(2 * np.pi * hertz / sample_rate * np.arange(int(seconds * sample_rate)), dtype=np.float32) / 2


def clip(sample_rate: int = 8_000, digit: int = 3) -> Wave:
    """Return a word with a quarter of a second of silence on either side."""
    word = say(digit, 0, 0, sample_rate=sample_rate).astype(np.float32)
    return np.pad(word, sample_rate // 4)


def power_spectrum(samples: Wave, sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    windowed = samples.astype(np.float64) * np.hanning(len(samples))
    return np.fft.rfftfreq(len(samples), 1 / sample_rate), np.abs(np.fft.rfft(windowed)) ** 2


def pitch_of(samples: Wave, sample_rate: int) -> float:
    hertz, power = power_spectrum(np.pad(samples, len(samples)), sample_rate)
    return float(hertz[power.argmax()])


def band_power(samples: Wave, sample_rate: int, lowest_hz: float, highest_hz: float) -> float:
    hertz, power = power_spectrum(samples, sample_rate)
    return float(power[(hertz >= lowest_hz) & (hertz < highest_hz)].sum())


def test_silence_around_a_word_does_not_make_it_quieter() -> None:
    word = tone(500, 8_000)
    assert noises.speech_power(np.pad(word, 20_000), 8_000) == pytest.approx(noises.speech_power(word, 8_000), rel=0.02)


@pytest.mark.parametrize("snr_db", [40, 10, 0, -10])
@pytest.mark.parametrize("name", ["white", "pink", "babble", "hum"])
def test_the_ratio_asked_for_is_the_ratio_obtained(name: str, snr_db: float) -> None:
    voices = [Clip(str(digit), clip(digit=digit)) for digit in range(10)]
    family = next(family for family in all_families(8_000, voices) if family.name == name)
    subject = voices[3]
    noise = family.distort(subject, snr_db, draw()).astype(np.float64) - subject.samples
    ratio = noises.speech_power(subject.samples, 8_000) / np.square(noise).mean()
    assert 10 * np.log10(ratio) == pytest.approx(snr_db, abs=0.05)


def test_noise_over_silence_is_silence() -> None:
    silence = np.zeros(1_000, np.float32)
    assert not noises.add_noise(silence, noises.white_noise(1_000, draw()), 0, 8_000).any()


@pytest.mark.parametrize(("make", "slope_db"), [(noises.white_noise, 0), (noises.pink_noise, -3.01)])
def test_white_noise_is_flat_and_pink_noise_falls(make, slope_db: float) -> None:  # type: ignore[no-untyped-def]
    noise = make(400_000, draw())
    octaves = [(125 * 2**k, 250 * 2**k) for k in range(5)]
    per_hertz_db = [10 * np.log10(band_power(noise, 8_000, *ends) / ends[0]) for ends in octaves]
    assert np.diff(per_hertz_db) == pytest.approx(slope_db, abs=0.25)


@pytest.mark.parametrize("sample_rate", RATES)
def test_hum_is_50_hz_and_its_harmonics(sample_rate: int) -> None:
    hertz, power = power_spectrum(noises.mains_hum(sample_rate, sample_rate, draw()), sample_rate)
    loud = hertz[power > power.max() * 1e-3]
    assert np.abs(loud - 50 * np.round(loud / 50)).max() <= 1
    assert set(np.round(loud / 50)) == set(range(1, 11))
    assert power[50] / power[100] == pytest.approx(4, rel=0.01)


def test_babble_is_made_of_every_voice_but_the_clips_own() -> None:
    voices = [Clip(name, tone(hertz, 8_000)) for name, hertz in (("a", 500), ("b", 1_000), ("c", 2_000))]
    babble = next(family for family in all_families(8_000, voices) if family.name == "babble")
    silent = Clip("b", np.ones(40_000, np.float32))
    noise = babble.distort(silent, 0, draw()) - silent.samples
    heard = {hertz: band_power(noise, 8_000, hertz - 50, hertz + 50) for hertz in (500, 1_000, 2_000)}
    assert heard[1_000] < 1e-2 * min(heard[500], heard[2_000])


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("speed", [0.8, 0.9, 1.1, 1.25])
def test_speed_changes_the_length_and_not_the_pitch(sample_rate: int, speed: float) -> None:
    said = distortions.change_speed(tone(440, sample_rate), speed, sample_rate)
    assert len(said) == round(sample_rate / speed)
    assert pitch_of(said, sample_rate) == pytest.approx(440, abs=1)
    middle = slice(len(said) // 4, 3 * len(said) // 4)
    assert np.square(said[middle]).mean() == pytest.approx(1 / 8, rel=0.05)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("semitones", [-6, -2, 2, 4, 12])
def test_pitch_changes_the_pitch_and_not_the_length(sample_rate: int, semitones: float) -> None:
    said = distortions.change_pitch(tone(440, sample_rate), semitones, sample_rate)
    assert len(said) == sample_rate
    assert pitch_of(said, sample_rate) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.003)


def test_speed_keeps_the_order_and_the_place_of_sounds() -> None:
    silence = np.zeros(4_000, np.float32)
    said = distortions.change_speed(np.concatenate([silence, tone(500, 8_000), silence]), 0.8, 8_000)
    sounding = np.flatnonzero(np.abs(said) > 0.25)
    assert (sounding[0], sounding[-1]) == (pytest.approx(5_000, abs=130), pytest.approx(15_000, abs=130))


def test_gain_is_in_decibels() -> None:
    np.testing.assert_allclose(distortions.change_gain(clip(), -20), clip() / 10, rtol=1e-6)


def test_clipping_flattens_what_is_above_the_ceiling_only() -> None:
    samples = clip()
    ceiling = np.abs(samples).max() * 10 ** (-12 / 20)
    clipped = distortions.clip_peaks(samples, 12)
    assert np.abs(clipped).max() == pytest.approx(ceiling)
    below = np.abs(samples) < 0.99 * ceiling
    np.testing.assert_array_equal(clipped[below], samples[below])


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_quantisation_leaves_few_values_and_half_a_step_of_error(bits: int) -> None:
    samples = np.linspace(-1, 1, 200_001, dtype=np.float32)
    rounded = distortions.quantise(samples, bits)
    assert len(np.unique(rounded)) == 2**bits
    inner = samples <= 1 - 2.0 ** (1 - bits)
    assert np.abs(rounded - samples)[inner].max() <= 2.0**-bits * 1.001


@pytest.mark.parametrize("sample_rate", RATES)
def test_the_telephone_band_leaves_nothing_outside(sample_rate: int) -> None:
    noise = noises.white_noise(4 * sample_rate, draw())
    heard = distortions.limit_band(noise, 3_400, sample_rate)

    def passed_db(lowest_hz: float, highest_hz: float) -> float:
        bands = [band_power(samples, sample_rate, lowest_hz, highest_hz) for samples in (heard, noise)]
        return float(10 * np.log10(bands[0] / bands[1]))

    assert passed_db(310, 3_350) == pytest.approx(0, abs=0.6)
    assert passed_db(0, 240) < -55
    assert passed_db(3_700, sample_rate / 2) < -50


def test_a_band_beyond_the_rate_only_loses_its_bass() -> None:
    noise = noises.white_noise(32_000, draw())
    heard = distortions.limit_band(noise, 5_000, 8_000)
    assert band_power(heard, 8_000, 3_500, 4_001) > 0.8 * band_power(noise, 8_000, 3_500, 4_001)
    assert band_power(heard, 8_000, 0, 240) < 1e-5 * band_power(noise, 8_000, 0, 240)


def test_silence_and_offset_are_added() -> None:
    late = distortions.delay(clip(), 100, 8_000)
    assert not late[:800].any()
    np.testing.assert_array_equal(late[800:], clip())
    np.testing.assert_allclose(distortions.add_offset(clip(), 0.25), clip() + 0.25)


def test_cuts_are_shares_of_the_speech_not_of_the_silence() -> None:
    silence = np.zeros(4_000, np.float32)
    samples = np.concatenate([silence, tone(500, 8_000), silence])
    for cut, kept in ((distortions.cut_start, samples[-10_000:]), (distortions.cut_end, samples[:10_000])):
        np.testing.assert_array_equal(cut(samples, 25, 8_000), kept)


@pytest.mark.parametrize("rt60_s", [0.2, 0.6, 1.5])
def test_a_rooms_response_decays_by_60_db_in_the_time_asked_for(rt60_s: float) -> None:
    response = distortions.room_response(rt60_s, 16_000, draw())
    left = np.square(response[1:].astype(np.float64))[::-1].cumsum()[::-1]  # Schroeder's backward integration
    decay_db = 10 * np.log10(left / left[0])
    first, last = np.searchsorted(-decay_db, [5, 25])
    measured = 60 / 20 * (last - first) / 16_000
    assert measured == pytest.approx(rt60_s, rel=0.1)
    assert left[0] == pytest.approx(response[0] ** 2, rel=1e-3)


def test_a_room_keeps_the_length_and_the_direct_sound() -> None:
    click = np.zeros(8_000, np.float32)
    click[1_000] = 1
    heard = distortions.reverberate(click, 0.5, 8_000, draw())
    assert len(heard) == len(click)
    assert np.abs(heard[:1_000]).max() < 1e-5
    np.testing.assert_allclose(heard[1_000:5_000], distortions.room_response(0.5, 8_000, draw()), atol=1e-5)


@pytest.mark.parametrize("family", all_families(8_000, [Clip("a", clip())]), ids=lambda family: family.name)
@given(n_samples=st.integers(1, 3_000), silent=st.booleans())
def test_every_clip_comes_out_finite_however_short_or_silent(family, n_samples: int, silent: bool) -> None:  # type: ignore[no-untyped-def]
    subject = Clip("b", noises.white_noise(n_samples, draw()) * np.float32(0 if silent else 0.1))
    before = subject.samples.copy()
    for level in family.levels:
        samples = family.distort(subject, level, draw())
        assert samples.dtype == np.float32
        assert len(samples) >= 1
        assert np.isfinite(samples).all()
    np.testing.assert_array_equal(subject.samples, before)
