"""Bad sound files, made here: headers that lie, files cut off, values that no recording holds."""

import io
import struct
from collections.abc import Iterator

import numpy as np
import soundfile

RATE_HZ = 16_000
CUTS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.999)
ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
ODD_RATES_HZ = (0, 1, 3_999, 44_101, 192_001, 1_000_003, 2**31 - 1, 2**32 - 1)
ODD_CHANNELS = (0, 33, 1_024, 1_025, 32_768, 65_535)
# name, offset and size of every field of a WAV header with 16 bytes of format
WAV_FIELDS = (
    ("riff", 0, 4),
    ("riff size", 4, 4),
    ("wave", 8, 4),
    ("fmt", 12, 4),
    ("fmt size", 16, 4),
    ("coding", 20, 2),
    ("channels", 22, 2),
    ("rate", 24, 4),
    ("bytes per second", 28, 4),
    ("frame size", 32, 2),
    ("bits", 34, 2),
    ("data", 36, 4),
    ("data size", 40, 4),
)
CODINGS = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")


def speech(seconds: float = 0.5) -> np.ndarray:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(0).normal(size=len(time))
    return (0.4 * np.sin(2 * np.pi * 440 * time) + 0.05 * noise).astype(np.float32)


def written(kind: str, coding: str | None = None, samples: np.ndarray | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, speech() if samples is None else samples, RATE_HZ, format=kind, subtype=coding)
    return file.getvalue()


def wav(channels: int = 1, rate_hz: int = RATE_HZ, n_bytes: int = 16_000, declared: int | None = None) -> bytes:
    size = n_bytes if declared is None else declared
    frame = 2 * channels % 2**16
    fmt = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * frame % 2**32, frame, 16)
    return (
        b"RIFF"
        + struct.pack("<I", (36 + size) % 2**32)
        + b"WAVEfmt \x10\0\0\0"
        + fmt
        + b"data"
        + struct.pack("<I", size)
        + speech().tobytes()[:n_bytes]
    )


def with_flac_length(n_samples: int) -> bytes:
    """Return a FLAC file whose STREAMINFO declares another number of samples, of 36 bits."""
    file = bytearray(written("FLAC", "PCM_16"))
    file[21] = (file[21] & 0xF0) | (n_samples >> 32)
    file[22:26] = struct.pack(">I", n_samples & 0xFFFFFFFF)
    return bytes(file)


def untagged_mp3() -> bytes:
    """Return 21 frames of silence, 64 kbit/s at 16 kHz, and nothing that says how many they are."""
    return (b"\xff\xf3\x88\xc4" + bytes(284)) * 21


def without_its_tag(mp3: bytes) -> bytes:
    """Return an MP3 file without its first frame, which holds no sound but says how long the file is."""
    return mp3[mp3.index(mp3[:2], 4) :]


def bad_files() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents; some may be read after all, since not every odd field matters."""
    plain = wav()
    for name, offset, size in WAV_FIELDS:
        for number in ODD_NUMBERS:
            changed = (number % 2 ** (8 * size)).to_bytes(size, "little")
            yield f"{name} {number:x}.wav", plain[:offset] + changed + plain[offset + size :]
    for rate_hz in ODD_RATES_HZ:
        yield f"rate {rate_hz}.wav", wav(rate_hz=rate_hz)
    for channels in ODD_CHANNELS:
        yield f"channels {channels}.wav", wav(channels)
    for coding in CODINGS:
        whole = written("WAV", coding)
        for cut in CUTS:
            yield f"{coding} cut at {cut}.wav", whole[: int(cut * len(whole))]
        for offset in (16, 20, 22, 32, 34, 36):
            yield f"{coding} with ff at {offset}.wav", whole[:offset] + b"\xff\xff" + whole[offset + 2 :]
    for kind, coding in (("WAVEX", "PCM_16"), ("WAVEX", "FLOAT"), ("RF64", "PCM_16")):
        whole = written(kind, coding)
        for cut in CUTS:
            yield f"{kind} {coding} cut at {cut}.wav", whole[: int(cut * len(whole))]
        for offset in range(12, 68, 4):
            yield f"{kind} {coding} with ff at {offset}.wav", whole[:offset] + b"\xff" * 4 + whole[offset + 4 :]
    for kind, coding, suffix in (("FLAC", "PCM_16", "flac"), ("OGG", "VORBIS", "ogg"), ("MP3", None, "mp3")):
        whole = written(kind, coding)
        for cut in CUTS:
            yield f"cut at {cut}.{suffix}", whole[: int(cut * len(whole))]
        for offset in (0, 4, 8, 14, 18, 21, 26, 40, 60, 100, 200):
            yield f"with ff at {offset}.{suffix}", whole[:offset] + b"\xff" * 4 + whole[offset + 4 :]
        yield f"zeros at the end.{suffix}", whole[: len(whole) // 2] + bytes(len(whole) // 2)
    for n_samples in (0, 1, 100, 8_001, 2**32, 2**36 - 1):
        yield f"declares {n_samples}.flac", with_flac_length(n_samples)
    for value in (np.nan, np.inf, -np.inf, 1e22, 1e30, -1e30, 3e38):
        for coding in ("FLOAT", "DOUBLE"):
            samples = np.append(speech(), value).astype(np.float64)
            yield f"{coding} of {value}.wav", written("WAV", coding, samples)
    yield "ten hours.wav", wav(declared=36_000 * RATE_HZ * 2 % 2**32)
    yield "ten hours of zeros.wav", wav(n_bytes=0, declared=36_000 * RATE_HZ * 2 % 2**32)
    yield "empty.wav", b""
    yield "riff alone.wav", b"RIFF"
    for kind in ("AIFF", "AU", "W64", "CAF", "NIST", "SVX", "VOC", "MAT5", "IRCAM", "PVF", "HTK"):
        try:
            whole = written(kind, "PCM_16")
        except (RuntimeError, ValueError, TypeError):
            continue
        yield f"{kind} in disguise.wav", whole
        yield f"{kind} behind a tag.mp3", b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + whole
    yield "no tag, variable.mp3", without_its_tag(written("MP3"))
    untagged = untagged_mp3()
    for cut in CUTS[2:]:
        yield f"no tag, cut at {cut}.mp3", untagged[: int(cut * len(untagged))]
    for size in (0, 1, 0x7F, 0x7F7F7F7F, 0xFFFFFFFF):
        yield f"tag of {size:x}.mp3", b"ID3\x04\0\0" + struct.pack(">I", size) + written("MP3")
    yield "mp3 sync for ever.mp3", b"\xff\xfb\x90\x00" * 50_000
    yield "ogg pages for ever.ogg", (b"OggS\0\4" + bytes(20) + b"\1\0") * 5_000
    yield "chunks for ever.wav", b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 200_000
