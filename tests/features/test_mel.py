import pytest
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomnist.config import Features
from audiomnist.features.mel import FrameGrid, MelPower, mel_filters


def torchaudio_mel(features: Features) -> torchaudio.transforms.MelSpectrogram:
    return torchaudio.transforms.MelSpectrogram(
        features.sample_rate,
        n_fft=features.n_fft,
        hop_length=features.hop_length,
        n_mels=features.n_mels,
        f_min=features.lowest_hz,
        pad_mode="constant",
    )


FRONT_ENDS = [
    Features(),
    Features(sample_rate=16_000, n_fft=512, hop_length=160, n_mels=40),
    Features(sample_rate=8_000, n_fft=256, hop_length=256, n_mels=20),
    Features(sample_rate=16_000, n_fft=512, hop_length=160, n_mels=48, lowest_hz=60),
]


@pytest.mark.parametrize("features", FRONT_ENDS, ids=lambda features: f"{features.n_fft}-{features.hop_length}")
@settings(deadline=None, max_examples=25)
@given(lengths=st.lists(st.integers(1, 9_000), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_a_ragged_batch_equals_torchaudio_clip_by_clip(features: Features, lengths: list[int], seed: int) -> None:
    stream = torch.Generator().manual_seed(seed)
    clips = [torch.rand(length, generator=stream) * 2 - 1 for length in lengths]
    mel, reference = MelPower(features), torchaudio_mel(features)
    grid, hop = mel.grid, features.hop_length
    parts = torch.split(mel(clips), [grid.n_frames(length) for length in lengths])
    for clip, frames in zip(clips, parts, strict=True):
        if features.lowest_hz:
            clip = clip - clip.mean()
        before = grid.lead * hop
        after = (grid.n_frames(len(clip)) - grid.lead) * hop - len(clip)
        expected = reference(torch.nn.functional.pad(clip, (before, max(after, 0)))).T[: len(frames)]
        torch.testing.assert_close(frames, expected, rtol=1e-4, atol=1e-7)


def test_bands_that_begin_above_0_hz_ignore_an_offset() -> None:
    clip = torch.rand(4_000, generator=torch.Generator().manual_seed(0)) - 0.5
    mel = MelPower(FRONT_ENDS[-1])
    torch.testing.assert_close(mel([clip + 0.2]), mel([clip]), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("features", [*FRONT_ENDS, Features(lowest_hz=60)], ids=str)
def test_filters_are_torchaudios(features: Features) -> None:
    theirs = torchaudio.functional.melscale_fbanks(
        features.n_fft // 2 + 1, features.lowest_hz, features.sample_rate / 2, features.n_mels, features.sample_rate
    )
    torch.testing.assert_close(mel_filters(features), theirs, rtol=0, atol=2e-6)


@given(
    n_samples=st.integers(1, 5_000),
    hop_length=st.integers(16, 512),
    half_window=st.integers(32, 512),
)
def test_a_clip_has_exactly_the_frames_whose_window_touches_it(
    n_samples: int, hop_length: int, half_window: int
) -> None:
    n_fft = 2 * max(half_window, -(-hop_length // 2))
    grid = FrameGrid(n_fft, hop_length)
    first, last = -grid.lead, grid.n_frames(n_samples) - grid.lead - 1

    def touches(frame: int) -> bool:
        begin = frame * hop_length - n_fft // 2
        return begin < n_samples and begin + n_fft > 0

    assert touches(first)
    assert touches(last)
    assert not touches(first - 1)
    assert not touches(last + 1)
