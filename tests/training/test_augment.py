from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiomnist.config import Augment, Config, Features, Window, load
from audiomnist.corpus import scan
from audiomnist.features import prepare
from audiomnist.features.mel import band_centres_hz, mel_filters
from audiomnist.training.augment import VoiceAndRoom, spread
from audiomnist.training.dataset import WindowedClips, definite, trimmed
from audiomnist.training.noise import NoiseBank, RoomNoise, babble
from audiomnist.training.transforms import FrontEnd, normalise_inside
from tests.training.conftest import Material

CPU = torch.device("cpu")
N_DRAWS = 22
FEATURES = Features(sample_rate=16_000, n_fft=512, hop_length=160, n_mels=40)
VOICE_AND_MICROPHONE = Augment(stretch=0.25, warp=0.2, tilt_db=6, equaliser_db=4)
ROOM = {
    "band_limit_probability": 0.5,
    "noise_probability": 0.5,
    "reverberation_probability": 0.5,
    "overdrive_probability": 0.5,
}
EVERYTHING = VOICE_AND_MICROPHONE.model_copy(update={"margin_ms": 100, **ROOM})


def change(augment: Augment, power: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    noise = RoomNoise([[NoiseBank(Config(features=FEATURES), CPU).levelled]], CPU)
    return VoiceAndRoom(FEATURES, augment, noise, CPU)(power.clone(), draws)


def uniform(rows: int, columns: int = N_DRAWS) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(0))


def test_factors_are_as_often_smaller_as_larger() -> None:
    assert spread(torch.tensor([0.0, 0.5, 1.0]), 0.25).tolist() == pytest.approx([0.8, 1.0, 1.25])


def test_middling_draws_change_nothing() -> None:
    power = torch.rand(3, 20, 40)
    draws = torch.full((3, N_DRAWS), 0.5)
    torch.testing.assert_close(change(VOICE_AND_MICROPHONE, power, draws), power)


@pytest.mark.parametrize(("draw", "moves"), [(0.0, 1), (0.99, -1)])
def test_a_longer_vocal_tract_moves_a_formant_down(draw: float, moves: int) -> None:
    power = torch.zeros(1, 5, 40)
    power[..., 20] = 1.0
    draws = torch.full((1, N_DRAWS), 0.5)
    draws[:, 0] = draw
    peak = int(change(Augment(warp=0.2), power, draws)[0, 0].argmax())
    assert (peak - 20) * moves >= 2


def test_a_tilt_is_a_straight_line_in_decibels() -> None:
    draws = torch.full((1, N_DRAWS), 0.5)
    draws[:, 1] = 1.0
    gain_db = 10 * change(Augment(tilt_db=6), torch.ones(1, 1, 40), draws)[0, 0].log10()
    torch.testing.assert_close(gain_db, torch.linspace(-6, 6, 40), atol=1e-3, rtol=0)


def test_an_equaliser_stays_within_its_height() -> None:
    gain_db = 10 * change(Augment(equaliser_db=4), torch.ones(64, 1, 40), uniform(64)).log10()
    assert gain_db.abs().max() <= 8
    assert gain_db.std(2).min() > 0


def test_noise_lies_as_far_below_the_peak_as_drawn() -> None:
    power = torch.zeros(1, 60, 40)
    power[:, 30, 10] = 5.0
    draws = torch.full((1, N_DRAWS), 0.5)
    draws[:, 11], draws[:, 12] = 0.0, 0.5
    noisy = change(Augment(noise_probability=1, noise_below_peak_db=(40.0, 20.0), noise_tilt_db=0), power, draws)
    floor_db = 10 * (noisy[:, :20].mean((0, 1)) / 5.0).log10()
    assert floor_db.mean().item() == pytest.approx(-30, abs=1)


def test_a_share_of_the_clips_gets_noise() -> None:
    power = torch.ones(400, 2, 40)
    noisy = change(Augment(noise_probability=0.25), power, uniform(400))
    share = (noisy != power).flatten(1).any(1).double().mean()
    assert 0.15 < share < 0.35


def test_a_clips_own_frames_are_normalised_the_rest_is_0() -> None:
    db = torch.randn(3, 1, 30, 8) * 10 - 40
    inside = torch.ones(3, 30, dtype=torch.bool)
    n_frames = 20, 1, 0
    for row, length in enumerate(n_frames):
        inside[row, length:] = False
    normal = normalise_inside(db, inside)
    for row, length in enumerate(n_frames):
        assert not normal[row, :, length:].any()
    for own in (normal[0, :, :20], normal[1, :, :1]):
        assert own.mean().item() == pytest.approx(0, abs=1e-5)
        assert own.std(correction=0).item() == pytest.approx(1, abs=1e-3)
    db[0, :, 20:] = 7.0
    assert torch.equal(normalise_inside(db, inside), normal)
    torch.testing.assert_close(normalise_inside(3 * db + 5, inside), normal, atol=1e-3, rtol=0)


def test_a_frame_rings_on_and_nothing_rings_before_it() -> None:
    power = torch.zeros(1, 30, 40)
    power[:, 10] = 1.0
    draws = torch.full((1, N_DRAWS), 0.5)
    draws[:, 17] = 0.0
    ringing = change(Augment(reverberation_probability=1), power, draws)[0, :, 0]
    assert not ringing[:10].any()
    assert ringing[10] == 1
    falling_db = 10 * (ringing[12:] / ringing[11:-1]).log10()
    torch.testing.assert_close(falling_db, torch.full((18,), -60 * 0.01 / 10**-0.5), atol=1e-3, rtol=0)


@pytest.mark.parametrize("below_db", [-6, 0, 9, 24])
def test_clipping_spreads_the_spectrum_of_noise_as_it_does(below_db: float) -> None:
    rolled_off = torch.linspace(1, 0, 8_001).pow(6)  # a second at 16 kHz
    white = torch.fft.rfft(torch.randn(16_000, generator=torch.Generator().manual_seed(0)))
    wave = torch.fft.irfft(white * rolled_off)
    ceiling = 10 ** (-below_db / 20) * float(wave.square().mean().sqrt())

    def power(sound: torch.Tensor) -> torch.Tensor:
        frames = sound.unfold(0, FEATURES.n_fft, FEATURES.hop_length) * torch.hann_window(FEATURES.n_fft)
        return (torch.fft.rfft(frames).abs().square() @ mel_filters(FEATURES)).mean(0, keepdim=True)[None]

    draws = torch.full((1, N_DRAWS), 0.5)
    draws[:, 20], draws[:, 21] = 0.0, (below_db + 6) / 30
    overdriven = change(Augment(overdrive_probability=1), power(wave), draws)
    clipped = power(wave.clamp(-ceiling, ceiling))
    off_db = (10 * (overdriven / clipped).log10()).abs()
    assert off_db.median() < 0.5
    assert off_db.max() < 7.0
    assert (10 * (power(wave) / clipped).log10()).min() < -17.0


def test_filters_between_two_bins_leave_clipped_frames_finite() -> None:
    narrow = Features(sample_rate=16_000, n_fft=256, hop_length=80, n_mels=128)
    assert not mel_filters(narrow).sum(0).all()
    power = torch.rand(1, 9, 1) * mel_filters(narrow).sum(0)
    noise = RoomNoise([[NoiseBank(Config(features=narrow), CPU).levelled]], CPU)
    draws = torch.zeros(1, N_DRAWS)
    draws[:, 21] = 0.5
    assert VoiceAndRoom(narrow, Augment(overdrive_probability=1), noise, CPU)(power, draws).isfinite().all()


def test_digital_silence_stays_finite_whatever_is_done_to_it() -> None:
    power = torch.zeros(200, 9, 40)
    power[100:, 4:] = torch.rand(100, 5, 40) * 1e-35  # and what float32 can hardly hold
    assert change(EVERYTHING, power, uniform(200)).isfinite().all()


def test_no_frame_is_louder_than_where_its_peaks_are_cut() -> None:
    power = torch.rand(1, 50, 40)
    power[:, :10] *= 1e-4
    draws = torch.full((1, N_DRAWS), 0.5)
    draws[:, 20] = 0.0
    overdriven = change(Augment(overdrive_probability=1), power, draws)
    ceiling = power.sum(2).max() * 10**-0.9
    assert overdriven.sum(2).max() < ceiling
    torch.testing.assert_close(overdriven[:, :10], power[:, :10])
    draws[:, 20] = 0.9
    assert torch.equal(change(Augment(overdrive_probability=0.5), power, draws), power)


def test_kinds_of_noise_are_equally_likely() -> None:
    kinds = [[torch.full((200, 2), 1.0)], [torch.tensor([[0.5, 1.5]]).repeat(30, 1), torch.ones(5, 2)]]
    draws = torch.rand(2, 2_000, generator=torch.Generator().manual_seed(0))
    stretches = RoomNoise(kinds, CPU)(draws[0], draws[1], 20)
    assert stretches.shape == (2_000, 20, 2)
    assert (stretches[:, 0, 0] == 0.5).double().mean().item() == pytest.approx(0.25, abs=0.03)


def test_a_clip_without_treble_keeps_what_is_below() -> None:
    draws = torch.full((1, N_DRAWS), 0.5)
    draws[:, 15:17] = torch.tensor([0.0, 0.5])
    changed = change(Augment(band_limit_probability=1), torch.ones(1, 4, 40), draws)[0, 0]
    centres_hz = band_centres_hz(FEATURES)
    limit_hz = float(centres_hz[changed > 0].max())
    assert 4_500 < limit_hz < 5_500  # halfway in mel between 3 and 8 kHz
    assert torch.equal(changed > 0, centres_hz <= limit_hz)


def test_the_lowest_band_limit_is_that_of_a_telephone() -> None:
    changed = change(Augment(band_limit_probability=0.25), torch.ones(400, 2, 40), uniform(400))
    centres_hz = band_centres_hz(FEATURES)
    assert (changed[:, :, centres_hz < 3_000] == 1).all()
    share = (changed == 0).flatten(1).any(1).double().mean()
    assert 0.12 < share < 0.35


def test_what_lies_outside_a_clip_does_not_reach_the_network(material: Material) -> None:
    config = material.config.model_copy(update={"window": Window(padding="blank", channels=1)})
    clips = WindowedClips(material.store, config.window, CPU)
    inside = clips.place(torch.arange(8), torch.full((8,), 0.5)).inside
    inputs = FrontEnd(config, clips).test(torch.arange(8))  # (B, 1, N, M)
    assert not inputs[:, 0][~inside].any()
    assert inside.sum(1).tolist() == material.store.index.n_frames[:8].tolist()


def test_unchanged_speed_is_the_clip_itself(material: Material) -> None:
    clips = WindowedClips(material.store, Window(), CPU)
    chosen, position = torch.arange(20), torch.full((20,), 0.5)
    plain, same = clips.place(chosen, position), clips.place(chosen, position, torch.ones(20))
    torch.testing.assert_close(plain.power, same.power)
    assert torch.equal(plain.inside, same.inside)


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_a_faster_clip_has_fewer_frames(material: Material, speed: float) -> None:
    clips = WindowedClips(material.store, Window(), CPU)
    chosen, position = torch.arange(20), torch.full((20,), 0.5)
    n_frames = clips.place(chosen, position).inside.sum(1)
    changed = clips.place(chosen, position, torch.full((20,), speed)).inside.sum(1)
    assert ((changed - n_frames / speed).abs() <= 2).all()


def test_margins_hold_what_was_trimmed_and_then_silence(material: Material) -> None:
    """Frames around the word are those of the recording, and the network sees them as the clip's."""
    whole = WindowedClips(material.store, Window(), CPU)
    clips = WindowedClips(material.store, Window(trim_db=3), CPU)
    chosen, middle, speed = torch.arange(20), torch.full((20,), 0.5), torch.ones(20)
    of_word = clips.place(chosen, middle, speed)
    placed = clips.place(chosen, middle, speed, torch.tensor([2.0, 3.0]).expand(20, 2))
    assert (placed.inside.sum(1) - of_word.inside.sum(1)).tolist() == [5] * 20
    assert torch.equal(placed.power[of_word.inside], of_word.power[of_word.inside])
    everything = clips.place(chosen, middle, speed, torch.full((20, 2), 1_000.0))
    assert everything.inside.all()
    for of_recording, power in zip(whole.place(chosen, middle).power, everything.power, strict=True):
        frames, shown = (found[found.any(1)] for found in (of_recording, power))
        assert any(torch.equal(frames[first : first + len(shown)], shown) for first in range(len(frames)))
        assert len(shown) > len(power) / 4


def test_a_margin_is_as_long_as_its_setting(material: Material) -> None:
    """With draws of 0.5, half of it stands before the word and half of it after."""
    augment = Augment(margin_ms=100, freq_masks=0, time_masks=0)
    window = Window(padding="blank", channels=1, trim_db=3)
    config = material.config.model_copy(update={"augment": augment, "window": window})
    clips, chosen = WindowedClips(material.store, window, CPU), torch.arange(8)
    noise = RoomNoise([[NoiseBank(config, CPU).levelled]], CPU)
    front_end = FrontEnd(config, clips, VoiceAndRoom(config.features, augment, noise, CPU))
    shown, of_word = (
        inputs[:, 0].any(2).sum(1)
        for inputs in (front_end.train(chosen, torch.full((8, front_end.n_draws), 0.5)), front_end.test(chosen))
    )
    frames_per_margin = int(0.05 * config.features.sample_rate / config.features.hop_length)
    assert (shown - of_word).tolist() == [2 * frames_per_margin] * 8


@pytest.mark.parametrize(
    ("padding", "augment"),
    [
        ("silence", Augment()),
        ("noise", Augment(time_masks=1, freq_masks=3)),
        ("blank", EVERYTHING),
        ("blank", EVERYTHING.model_copy(update={"margin_ms": 0.0})),
    ],
)
def test_each_uniform_number_changes_what_the_network_sees(material: Material, padding: str, augment: Augment) -> None:
    window = Window(padding=padding, trim_db=3 if augment.changes else 0)
    config = material.config.model_copy(update={"augment": augment, "window": window})
    recording = NoiseBank(config, CPU).levelled
    noise = RoomNoise([[recording], [recording.flip(0)]], CPU)
    change = VoiceAndRoom(config.features, augment, noise, CPU) if augment.changes else None
    front_end = FrontEnd(config, WindowedClips(material.store, window, CPU), change)
    clips, draws = torch.arange(40), uniform(40, front_end.n_draws)
    inputs = front_end.train(clips, draws)
    for number in range(front_end.n_draws):
        others = draws.clone()
        others[:, number] = 1 - draws[:, number]
        assert not torch.equal(front_end.train(clips, others), inputs), number


def test_changed_inputs_do_not_depend_on_the_clips_beside_them(material: Material) -> None:
    config = material.config.model_copy(update={"augment": EVERYTHING, "window": Window(padding="blank", channels=1)})
    noise = RoomNoise([[NoiseBank(config, CPU).levelled]], CPU)
    change = VoiceAndRoom(config.features, EVERYTHING, noise, CPU)
    front_end = FrontEnd(config, WindowedClips(material.store, config.window, CPU), change)
    clips, draws = torch.arange(20), uniform(20, front_end.n_draws)
    torch.testing.assert_close(front_end.train(clips, draws)[7:8], front_end.train(clips[7:8], draws[7:8]))


def test_an_automatic_window_keeps_nearly_all_clips_whole(material: Material) -> None:
    config = material.config.model_copy(update={"window": Window(clip_ms="auto")})
    lengths = material.store.index.n_samples
    clip_ms = definite(config, material.store, np.arange(len(lengths))).window.clip_ms
    lengths_ms = lengths / config.features.sample_rate * 1000
    assert (lengths_ms <= clip_ms).mean() >= 0.99
    assert clip_ms < lengths_ms.max() + 10


def test_silence_around_a_word_makes_no_difference(tmp_path: Path) -> None:
    sample_rate, hop = FEATURES.sample_rate, FEATURES.hop_length
    word = np.random.default_rng(0).uniform(-0.5, 0.5, 40 * hop)
    silence = np.zeros(25 * hop)
    soundfile.write(tmp_path / "1_ann_0.wav", word, sample_rate)
    soundfile.write(tmp_path / "1_ann_1.wav", np.concatenate([silence, word, silence, silence]), sample_rate)
    config = Config(features=FEATURES, window=Window(padding="blank", trim_db=35, clip_ms=800, channels=1))
    store = prepare(scan(tmp_path), FEATURES)
    bare, surrounded = FrontEnd(config, WindowedClips(store, config.window, CPU)).test(torch.arange(2))
    torch.testing.assert_close(bare, surrounded, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("background_db", [-30.0, -20.0])
def test_a_word_is_cut_out_of_its_background(tmp_path: Path, background_db: float) -> None:
    sample_rate, hop = FEATURES.sample_rate, FEATURES.hop_length
    samples = np.random.default_rng(0).standard_normal(100 * hop) * 0.1 * 10 ** (background_db / 20)
    samples[40 * hop : 70 * hop] += 0.1 * np.random.default_rng(1).standard_normal(30 * hop)
    soundfile.write(tmp_path / "1_ann_0.wav", samples, sample_rate)
    store = prepare(scan(tmp_path), FEATURES)
    kept = trimmed(store, Window(padding="blank", trim_db=40, trim_snr_db=6, channels=1))
    assert 30 <= kept.n_frames[0] <= 38
    assert trimmed(store, Window(padding="blank", trim_db=40, channels=1)).n_frames[0] > 95


def test_speech_in_loud_noise_is_not_cut_away(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).standard_normal(100 * FEATURES.hop_length) * 0.05
    soundfile.write(tmp_path / "1_ann_0.wav", samples, FEATURES.sample_rate)
    store = prepare(scan(tmp_path), FEATURES)
    assert trimmed(store, Window(padding="blank", trim_db=40, trim_snr_db=6, channels=1)).n_frames[0] > 95


def test_an_automatic_window_is_a_minute_at_most(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=4_000 * 61)
    soundfile.write(tmp_path / "3_ann_0.wav", noise, 4_000)
    features = Features(sample_rate=4_000, n_fft=256, hop_length=256, n_mels=8)
    store = prepare(scan(tmp_path), features)
    config = definite(Config(features=features, window=Window(clip_ms="auto")), store, np.array([0]))
    config.save(tmp_path / "config.yaml")
    assert load(tmp_path / "config.yaml").window.clip_ms == 60_000


def test_babble_is_six_talkers_equally_loud_and_always_the_same(material: Material) -> None:
    clips = WindowedClips(material.store, material.config.window, CPU)
    numbers = torch.from_numpy(material.split.train)
    noise = babble(clips, numbers, 0)
    assert noise.shape[1] == material.config.features.n_mels
    assert float(noise.mean()) == pytest.approx(6, rel=0.05)
    assert torch.equal(noise, babble(clips, numbers, 0))
    assert not torch.equal(noise, babble(clips, numbers, 1))
