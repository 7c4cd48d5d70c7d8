"""A plain WAV file is read without soundfile: whatever its header holds, soundfile must say the same of it."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.audio import BadSound, decode, header
from audiomnist.containers import Header

PLAIN_HEADER = 44
BITS = {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "ULAW": None}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headers") / "clip.wav"


def wav(subtype: str, n_channels: int) -> bytes:
    written = io.BytesIO()
    samples = np.random.default_rng(0).uniform(-1, 1, (100, n_channels))
    soundfile.write(written, samples, 8_000, format="WAV", subtype=subtype)
    return written.getvalue()


@pytest.mark.parametrize("subtype", BITS)
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_a_header_is_read_and_missing_bytes_counted(subtype: str, n_channels: int, file: Path) -> None:
    whole = wav(subtype, n_channels)
    file.write_bytes(whole)
    assert header(file) == Header(8_000, n_channels, 100, BITS[subtype])
    file.write_bytes(whole[:-5])
    with pytest.raises(BadSound, match="5 bytes") as error:
        header(file)
    assert error.value.kind == "truncated"
    file.write_bytes(whole + b"LIST\4\0\0\0INFO")
    assert header(file) == Header(8_000, n_channels, 100, BITS[subtype])


@given(
    subtype=st.sampled_from([subtype for subtype, bits in BITS.items() if bits]),
    n_channels=st.integers(1, 2),
    changes=st.dictionaries(st.integers(0, PLAIN_HEADER - 1), st.integers(0, 255), max_size=2),
)
def test_a_changed_header_is_read_as_soundfile_reads_it(
    subtype: str, n_channels: int, changes: dict[int, int], file: Path
) -> None:
    clip = bytearray(wav(subtype, n_channels))
    for place, value in changes.items():
        clip[place] = value
    file.write_bytes(clip)
    try:
        told = header(file)
        samples, _ = decode(file)
    except BadSound:
        return
    info = soundfile.info(file)
    assert (told.sample_rate, told.n_channels, told.n_frames) == (info.samplerate, info.channels, info.frames)
    np.testing.assert_array_equal(samples, soundfile.read(file, dtype="float32", always_2d=True)[0])
