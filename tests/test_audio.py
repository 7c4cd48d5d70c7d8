import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import torchaudio

from audiomnist.audio import read, resample
from audiomnist.errors import DataError


def test_stereo_becomes_the_mean_of_its_channels(tmp_path: Path) -> None:
    samples = np.array([[0.5, 0.25], [-0.5, 0.0]], dtype=np.float32)
    soundfile.write(tmp_path / "clip.wav", samples, 8_000, subtype="FLOAT")
    clip, sample_rate = read(tmp_path / "clip.wav")
    assert sample_rate == 8_000
    assert clip.tolist() == [0.375, -0.25]


@pytest.mark.parametrize(
    ("samples", "complaint"), [([], "no samples"), ([0.1, float("nan")], "NaN"), ([0.1, float("inf")], "infinite")]
)
def test_useless_recordings_are_refused_by_name(tmp_path: Path, samples: list[float], complaint: str) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.array(samples, dtype=np.float32), 8_000, subtype="FLOAT")
    with pytest.raises(DataError, match=complaint) as error:
        read(path)
    assert str(path) in error.value.message


def test_a_file_that_is_no_audio_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"RIFFnonsense")
    with pytest.raises(DataError, match="cannot be decoded") as error:
        read(path)
    assert str(path) in error.value.message


def test_resampling_is_torchaudios() -> None:
    clip = torch.rand(1_001)
    expected = torchaudio.functional.resample(clip, 8_000, 48_000)
    torch.testing.assert_close(resample(clip, 8_000, 48_000), expected)
    assert resample(clip, 8_000, 8_000) is clip


def test_a_torchaudio_that_cannot_load_is_one_message_with_the_command_that_mends_it(tmp_path: Path) -> None:
    (tmp_path / "torchaudio.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')")
    program = (
        "from audiomnist.cli.app import main; import sys;"
        f"sys.argv = ['audiomnist', 'prep', '--data', {str(tmp_path)!r}, '--quiet']; main()"
    )
    soundfile.write(tmp_path / "1_ann_0.wav", np.ones(800, dtype=np.float32) / 2, 8_000)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path), "AUDIOMNIST_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "libcudart.so.13" in done.stderr
    assert "pip install --force-reinstall torch torchaudio" in done.stderr
    assert "Traceback" not in done.stderr
