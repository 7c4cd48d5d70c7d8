from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiomnist.audio import BadSound, blocks, decode, header, read, resample


def test_stereo_becomes_the_mean_of_its_channels(tmp_path: Path) -> None:
    samples = np.array([[0.5, 0.25], [-0.5, 0.0]], dtype=np.float32)
    soundfile.write(tmp_path / "clip.wav", samples, 8_000, subtype="FLOAT")
    clip, sample_rate = read(tmp_path / "clip.wav")
    assert sample_rate == 8_000
    assert clip.tolist() == [0.375, -0.25]


@pytest.mark.parametrize("from_hz", [8_000, 44_101, 47_999, 192_000])
def test_a_tone_stays_what_it_was_when_resampled(from_hz: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(from_hz) / from_hz).astype(np.float32)
    resampled = resample(tone, from_hz, 16_000)
    assert resampled.dtype == np.float32
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(resampled[400:-400], expected[400:-400], atol=1e-4)


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    clip = np.ones(100, np.float32)
    assert resample(clip, 8_000, 8_000) is clip


def test_a_single_sample_survives_resampling() -> None:
    assert len(resample(np.ones(1, np.float32), 48_000, 8_000)) == 1


@pytest.mark.parametrize(("rate_hz", "n_samples"), [(16_000, 8_000), (48_000, 144_017), (8_000, 1_200)])
def test_an_mp3_file_is_read_to_its_last_sample(tmp_path: Path, rate_hz: int, n_samples: int) -> None:
    clip = tmp_path / "clip.mp3"
    soundfile.write(clip, np.random.default_rng(0).normal(size=n_samples) / 10, rate_hz)
    assert header(clip).n_frames == len(decode(clip)[0]) == sum(len(part) for part, _ in blocks(clip, 0.1)) == n_samples


def test_a_cut_mp3_file_is_refused_by_whoever_reads_it(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp3"
    soundfile.write(clip, np.random.default_rng(0).normal(size=16_000) / 10, 16_000)
    clip.write_bytes(clip.read_bytes()[:-500])
    for reader in (header, decode, lambda path: list(blocks(path, 0.1))):
        with pytest.raises(BadSound) as error:
            reader(clip)
        assert error.value.kind == "truncated"
