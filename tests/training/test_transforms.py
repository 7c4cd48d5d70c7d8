import pickle

import pytest
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.audio import read, resample
from audiomnist.config import Config, Features, Window
from audiomnist.features import prepare
from audiomnist.features.mel import ClipFrames, FrameGrid, MelPower
from audiomnist.features.store import ClipStore
from audiomnist.training.augment import mask
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.noise import NoiseBank, NoisePadding
from audiomnist.training.transforms import FrontEnd, normalise, normalise_inside, to_db
from tests.training.conftest import Material

CPU = torch.device("cpu")


def windowed(material: Material, window: Window) -> WindowedClips:
    return WindowedClips(material.store, window, CPU)


def waveform(material: Material, clip: int) -> torch.Tensor:
    samples = resample(*read(material.corpus.file(clip)), material.config.features.sample_rate)
    return torch.from_numpy(samples)


def torchaudio_db(features: Features, waveform: torch.Tensor, top_db: float) -> torch.Tensor:
    mel = torchaudio.transforms.MelSpectrogram(
        features.sample_rate,
        n_fft=features.n_fft,
        hop_length=features.hop_length,
        n_mels=features.n_mels,
        pad_mode="constant",
    )
    return torchaudio.transforms.AmplitudeToDB("power", top_db)(mel(waveform)).transpose(-1, -2)


@pytest.mark.parametrize("features", [Features(), Features(sample_rate=16_000, n_fft=512, hop_length=160, n_mels=40)])
def test_silence_padding_equals_padding_the_waveform(material: Material, features: Features) -> None:
    window = Window()
    store = prepare(material.corpus, features)
    clips = WindowedClips(store, window, CPU)
    chosen = torch.arange(0, len(store), 4)
    placed = clips.place(chosen, torch.linspace(0, 0.999, len(chosen)))
    db = to_db(placed.power, window.top_db)
    for row, clip in enumerate(chosen.tolist()):
        samples = torch.from_numpy(resample(*read(material.corpus.file(clip)), features.sample_rate))
        before = int(placed.offsets[row]) * features.hop_length
        padded = torch.nn.functional.pad(samples, (before, clips.window_samples - before - len(samples)))
        torch.testing.assert_close(db[row], torchaudio_db(features, padded, window.top_db), rtol=0, atol=1e-3)


def test_a_clip_longer_than_its_window_keeps_its_beginning(material: Material) -> None:
    window = Window(clip_ms=200)
    clips = windowed(material, window)
    power = clips.place(torch.tensor([0]), torch.tensor([0.9])).power
    hop, n_fft = clips.hop_length, clips.n_fft
    expected = torchaudio_db(material.config.features, waveform(material, 0)[: clips.window_samples], 80.0)
    inside = (clips.window_samples - n_fft // 2) // hop + 1
    torch.testing.assert_close(to_db(power, 80.0)[0, :inside], expected[:inside], rtol=0, atol=1e-3)


@given(
    lengths=st.lists(st.integers(1, 9_000), min_size=1, max_size=5),
    clip_ms=st.integers(50, 1_200),
    hop_length=st.integers(60, 256),
    seed=st.integers(0, 99),
)
def test_no_sample_of_a_clip_is_lost_in_its_window(
    lengths: list[int], clip_ms: int, hop_length: int, seed: int
) -> None:
    features = Features(sample_rate=8_000, n_fft=256, hop_length=hop_length, n_mels=12)
    draw = torch.Generator().manual_seed(seed)
    waveforms = [torch.rand(length, generator=draw).numpy() for length in lengths]
    stored = ClipFrames.of(waveforms, MelPower(features))
    clips = WindowedClips(ClipStore.in_memory(features, stored), Window(clip_ms=clip_ms), CPU)
    placed = clips.place(torch.arange(len(lengths)), torch.rand(len(lengths), generator=draw))
    lead = FrameGrid(features.n_fft, hop_length).lead
    for row, (length, clip) in enumerate(zip(lengths, stored, strict=True)):
        begin = int(placed.offsets[row])
        if length <= clips.window_samples:
            assert 0 <= begin * hop_length <= clips.window_samples - length
        else:
            assert begin == 0
        around = torch.zeros(lead + clips.n_frames + len(clip.frames), features.n_mels)
        around[begin : begin + len(clip.frames)] = clip.frames
        torch.testing.assert_close(placed.power[row], around[lead : lead + clips.n_frames], rtol=0, atol=0)


def test_positions_reach_both_ends_of_the_window_and_no_further(material: Material) -> None:
    clips = windowed(material, Window())
    chosen = torch.zeros(1000, dtype=torch.long)
    offsets = clips.place(chosen, torch.linspace(0, 1, 1000)).offsets
    latest = (clips.window_samples - len(waveform(material, 0))) // clips.hop_length
    assert sorted(set(offsets.tolist())) == list(range(latest + 1))


def test_noise_padding_has_the_statistics_of_a_waveforms(material: Material) -> None:
    config = material.config.model_copy(update={"window": Window(padding="noise")})
    clips = windowed(material, config.window)
    features, hop = config.features, config.features.hop_length
    stream = torch.Generator().manual_seed(3)
    chosen = torch.arange(len(material.store)).repeat(4)[:500]
    placed = clips.place(chosen, torch.rand(len(chosen), generator=stream))
    ours = to_db(
        NoisePadding(config, clips, NoiseBank(config, CPU))(placed, torch.rand(len(chosen), 2, generator=stream)), 80.0
    )
    centres = torch.arange(clips.n_frames) * hop
    theirs, padding = [], []
    for row, clip in enumerate(chosen.tolist()):
        samples, begin = waveform(material, clip), int(placed.offsets[row]) * hop
        end = begin + len(samples)
        span = samples.max() - samples.min()
        noisy = torch.rand(2, clips.window_samples, generator=stream) * span + samples.min()
        noisy[:, begin:end] = samples
        theirs.append(torchaudio_db(features, noisy, 80.0))
        padding.append((centres + features.n_fft // 2 <= begin) | (centres - features.n_fft // 2 >= end))
    reference, in_padding = torch.stack(theirs).transpose(1, 2), torch.stack(padding)
    ours = ours.transpose(1, 2)  # (B, N, C, M)
    for region, tolerance_db in ((in_padding, 0.5), (torch.ones_like(in_padding), 1.0)):
        for statistic in (torch.mean, torch.std):
            ours_by_band = statistic(ours[region].flatten(0, 1), dim=0)
            theirs_by_band = statistic(reference[region].flatten(0, 1), dim=0)
            assert (ours_by_band - theirs_by_band).abs().max() < tolerance_db


def test_noise_is_drawn_for_each_channel(material: Material) -> None:
    config = material.config.model_copy(update={"window": Window(padding="noise")})
    clips = windowed(material, config.window)
    placed = clips.place(torch.tensor([0]), torch.tensor([0.5]))
    power = NoisePadding(config, clips, NoiseBank(config, CPU))(placed, torch.tensor([[0.1, 0.7]]))
    assert not torch.equal(power[0, 0], power[0, 1])


@given(top_db=st.floats(10, 120), scale=st.floats(1e-6, 1e3))
def test_decibels_are_torchaudios(top_db: float, scale: float) -> None:
    power = torch.rand(3, 2, 7, 5, generator=torch.Generator().manual_seed(0)) ** 8 * scale
    expected = torchaudio.transforms.AmplitudeToDB("power", top_db)(power)
    torch.testing.assert_close(to_db(power.clone(), top_db), expected, rtol=0, atol=1e-3)


def test_normalising_makes_each_clip_mean_0_and_deviation_1() -> None:
    inputs = torch.randn(4, 2, 9, 8) * torch.tensor([1.0, 5.0, 20.0, 0.1]).view(4, 1, 1, 1) + 30
    normal = normalise(inputs).flatten(1)
    torch.testing.assert_close(normal.mean(1), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(normal.std(1, correction=0), torch.ones(4), atol=1e-2, rtol=0)


def test_a_silent_clip_is_normalised_to_0() -> None:
    silence = torch.full((2, 1, 9, 8), -100.0)
    assert not normalise(silence.clone()).any()
    assert not normalise_inside(silence.clone(), torch.ones(2, 9, dtype=torch.bool)).any()


@given(size=st.integers(1, 100), fraction=st.floats(0, 1), n_masks=st.integers(1, 4), seed=st.integers(0, 20))
def test_masks_stay_within_their_share_of_the_axis(size: int, fraction: float, n_masks: int, seed: int) -> None:
    draws = torch.rand(8, 2 * n_masks, generator=torch.Generator().manual_seed(seed))
    masked = mask(torch.ones(8, 1, size, 3), draws, 2, fraction)
    hidden = (masked == 0).all(3).sum(2)
    assert hidden.max() <= n_masks * int(size * fraction)


def test_every_example_gets_masks_of_its_own(material: Material) -> None:
    front_end = FrontEnd(material.config, windowed(material, material.config.window))
    same_clip = torch.zeros(32, dtype=torch.long)
    draws = torch.rand(32, front_end.n_draws, generator=torch.Generator().manual_seed(0))
    draws[:, 0] = 0.5
    hidden = front_end.train(same_clip, draws) == 0
    assert len({tuple(rows.flatten().tolist()) for rows in hidden}) > 25


def test_test_clips_are_neither_masked_nor_moved(material: Material) -> None:
    front_end = FrontEnd(material.config, windowed(material, material.config.window))
    clips = torch.arange(16)
    first, second = front_end.test(clips), front_end.test(clips)
    assert torch.equal(first, second)
    assert not (first == 0).any()


@pytest.mark.parametrize("window", [Window(), Window(trim_db=3)], ids=["whole", "trimmed"])
def test_a_test_clip_stands_in_the_middle_of_its_window(material: Material, window: Window) -> None:
    clips = windowed(material, window)
    inside, first = FrontEnd(material.config, clips).test_places(torch.arange(16))  # (B, N), (B,)
    before, after = inside.int().argmax(1), inside.flip(1).int().argmax(1)
    assert (before - after).abs().max() <= 2
    lead = FrameGrid(clips.n_fft, clips.hop_length).lead
    recordings = windowed(material, Window())
    for clip in range(16):
        row = int(first[clip] + before[clip]) + lead
        assert torch.equal(recordings.frames(clip)[row], clips.frames(clip)[0])


@pytest.mark.parametrize("padding", ["silence", "noise", "blank"])
def test_an_export_keeps_of_its_noise_what_tests_use(material: Material, padding: str) -> None:
    config = material.config.model_copy(update={"window": Window(padding=padding)})
    clips = windowed(material, config.window)
    whole, exported = FrontEnd(config, clips), FrontEnd(config, clips)
    exported.keep_test_noise_only()
    assert torch.equal(exported.test(torch.arange(4)), whole.test(torch.arange(4)))
    n_bytes_of_noise = 2 * NoiseBank.n_frames * config.features.n_mels * 4
    saved = len(pickle.dumps(whole)) - len(pickle.dumps(exported))
    assert saved > 0.9 * n_bytes_of_noise if padding == "noise" else saved == 0


@pytest.mark.parametrize("padding", ["silence", "noise"])
def test_inputs_do_not_depend_on_the_clips_beside_them(material: Material, padding: str) -> None:
    config: Config = material.config.model_copy(update={"window": Window(padding=padding)})
    front_end = FrontEnd(config, windowed(material, config.window))
    clips = torch.arange(20)
    draws = torch.rand(20, front_end.n_draws, generator=torch.Generator().manual_seed(0))
    together, alone = front_end.train(clips, draws), front_end.train(clips[7:8], draws[7:8])
    torch.testing.assert_close(together[7:8], alone)
    torch.testing.assert_close(front_end.test(clips)[7:8], front_end.test(clips[7:8]))


def test_channels_are_kept_apart_only_where_they_differ(material: Material) -> None:
    for padding, n_channels in (("silence", 1), ("noise", 2)):
        config = material.config.model_copy(update={"window": Window(padding=padding)})
        clips = windowed(material, config.window)
        inputs = FrontEnd(config, clips).test(torch.arange(3))
        assert inputs.shape == (3, n_channels, clips.n_frames, config.features.n_mels)


def test_one_seed_gives_one_noise(material: Material) -> None:
    config = material.config.model_copy(update={"window": Window(padding="noise")})
    first, second = (FrontEnd(config, windowed(material, config.window)).test(torch.arange(3)) for _ in range(2))
    assert torch.equal(first, second)


def test_an_input_that_is_not_contiguous_is_normalised_too() -> None:
    db = torch.randn(3, 2, 10, 8) * 5 + 3
    inside = torch.arange(10) < torch.tensor([[4], [10], [7]])
    turned = db.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    torch.testing.assert_close(normalise(turned.clone(memory_format=torch.preserve_format)), normalise(db.clone()))
    torch.testing.assert_close(normalise_inside(turned, inside), normalise_inside(db, inside))
