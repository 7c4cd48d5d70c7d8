"""From files to features: decoding, prep, and the Fourier transform that prep cannot do without."""

import os
import tempfile
from functools import cache
from unittest.mock import patch

import soundfile
import torch
import torchaudio

from audiomnist.audio import map_in_order, read
from audiomnist.config import load, version_path
from audiomnist.corpus import Corpus
from audiomnist.device import single_threaded_torch
from audiomnist.features import prepare
from suite.measuring import Figure, interleaved, paired_rates, spread

MOST_CLIPS = 3000
_BLOCK = 256  # frames per transform, as in prep: they stay in the cache
_BLOCKS_PER_CALL = 64


def reading_figures(corpus: Corpus, jobs: int | None) -> list[Figure]:
    """Time decoding and prep, of at most 3,000 clips."""
    some = corpus.select(spread(len(corpus), MOST_CLIPS))
    return [_decoding(some), *_prep(some, jobs)]


def _decoding(corpus: Corpus) -> Figure:
    files = [corpus.file(clip) for clip in range(len(corpus))]

    def decode() -> None:
        for file in files:
            read(file)

    def read_bytes() -> None:
        for file in files:
            file.read_bytes()

    rate, limit = paired_rates(len(files), decode, read_bytes)
    return Figure("reading and decoding", rate, "clips/s", "reading the bytes", limit)


def _prep(corpus: Corpus, jobs: int | None) -> list[Figure]:
    features = load(version_path("v2")).features
    mel = torchaudio.transforms.MelSpectrogram(
        features.sample_rate,
        n_fft=features.n_fft,
        hop_length=features.hop_length,
        n_mels=features.n_mels,
        pad_mode="constant",
    )
    n_frames = 0

    def ours() -> None:
        nonlocal n_frames
        with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, AUDIOMNIST_HOME=folder):
            n_frames = prepare(corpus, features, jobs=jobs).index.n_rows

    @cache
    def resampler(sample_rate: int) -> torch.nn.Module:
        return torchaudio.transforms.Resample(sample_rate, features.sample_rate)

    def clip_by_clip() -> None:
        for clip in range(len(corpus)):
            samples, sample_rate = soundfile.read(corpus.file(clip), dtype="float32")
            mel(resampler(sample_rate)(torch.from_numpy(samples)))

    block = torch.randn(_BLOCK, features.n_fft)

    def transform(n_times: int) -> None:
        frames = torch.fft.rfft(block)
        for _ in range(n_times - 1):
            torch.fft.rfft(block, out=frames)

    def transforms() -> None:
        n_blocks = -(-n_frames // _BLOCK)
        calls = [min(_BLOCKS_PER_CALL, n_blocks - first) for first in range(0, n_blocks, _BLOCKS_PER_CALL)]
        with single_threaded_torch():
            for _ in map_in_order(transform, calls, jobs):
                pass

    seconds = interleaved({"ours": ours, "plain": clip_by_clip, "transforms": transforms})
    cores = jobs or os.cpu_count()
    plain, bare = len(corpus) / seconds["plain"], len(corpus) / seconds["transforms"]
    rate = len(corpus) / seconds["ours"]
    return [
        Figure("prep", rate, "clips/s", "soundfile + torchaudio, clip by clip", plain),
        Figure(
            "prep, share of the Fourier transform", rate, "clips/s", f"rfft of as many frames, {cores} threads", bare
        ),
    ]
