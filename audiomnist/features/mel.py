"""Sound to mel power: whole batches of clips, all frames of all clips through one real FFT."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from audiomnist.audio import Samples
from audiomnist.config import Features

_BLOCK = 256  # frames per FFT call: small enough that a block stays in the cache
_TILE = 16  # columns that a matrix product takes at once


def band_centres_hz(features: Features) -> torch.Tensor:
    """Return the centre frequency of each mel band (HTK scale), Tensor[M] in hertz."""
    lowest, highest = hz_to_mel(torch.tensor([features.lowest_hz, features.sample_rate / 2]))
    bands = torch.arange(1, features.n_mels + 1) / (features.n_mels + 1)
    return mel_to_hz(lowest + bands * (highest - lowest))


def hz_to_mel(hertz: torch.Tensor) -> torch.Tensor:
    """Return mels on the HTK scale."""
    return 2595 * torch.log10(1 + hertz / 700)


def mel_to_hz(mels: torch.Tensor) -> torch.Tensor:
    """Return hertz from mels on the HTK scale."""
    return 700 * (torch.pow(10.0, mels / 2595) - 1)


def mel_filters(features: Features) -> torch.Tensor:
    """Return triangular filters, evenly spaced in mels, Tensor[n_fft / 2 + 1, M]; torchaudio's ``melscale_fbanks``."""
    bins_hz = torch.linspace(0, features.sample_rate // 2, features.n_fft // 2 + 1)
    lowest, highest = (2595 * math.log10(1 + hz / 700) for hz in (features.lowest_hz, features.sample_rate / 2))
    ends_hz = mel_to_hz(torch.linspace(lowest, highest, features.n_mels + 2))
    below, widths = ends_hz - bins_hz[:, None], ends_hz.diff()
    rising, falling = -below[:, :-2] / widths[:-1], below[:, 2:] / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0)


@dataclass(frozen=True)
class FrameGrid:
    """Which frames a clip needs, so that no sample of it is missing from any window.

    Frame ``j`` of a clip is centred on its sample ``j * hop_length``. Frames from ``-lead`` on are the ones whose
    window touches the clip; frames further out would see nothing but zeros.
    """

    n_fft: int
    hop_length: int

    @property
    def lead(self) -> int:
        """Frames before the one centred on the first sample."""
        return -(-self.n_fft // (2 * self.hop_length)) - 1

    def n_frames(self, n_samples: int) -> int:
        """Frames whose window touches a clip of ``n_samples``."""
        return -(-(n_samples + self.n_fft // 2) // self.hop_length) + self.lead


class MelPower:
    """The front end of ``torchaudio.transforms.MelSpectrogram(pad_mode="constant", power=2)``, for ragged batches.

    Where its bands begin above 0 Hz, each clip's mean is taken away first: an offset is a step at the clip's ends,
    which has power in every band.
    """

    def __init__(self, features: Features) -> None:
        self.sample_rate = features.sample_rate
        self._removes_mean = features.lowest_hz > 0
        self.grid = FrameGrid(features.n_fft, features.hop_length)
        self.window = torch.hann_window(features.n_fft)
        self.filters = mel_filters(features)
        self._groups = _grouped(self.filters)

    def __call__(self, clips: Sequence[Samples]) -> torch.Tensor:
        """Return the mel power of every frame of every clip, one clip after the other.

        From float32 arrays [L_i] it makes Tensor[sum of grid.n_frames(L_i), M]. The clips are laid into one buffer,
        each in front of as many zeros as its windows reach past it. Since a clip's stretch is a whole number of hops,
        every window of the buffer belongs to exactly one clip.
        """
        n_fft, hop = self.grid.n_fft, self.grid.hop_length
        counts = [self.grid.n_frames(len(clip)) for clip in clips]
        n_blocks = -(-sum(counts) // _BLOCK)  # whole ones: a frame's result does not depend on those beside it
        buffer = np.zeros(n_blocks * _BLOCK * hop + n_fft - hop, np.float32)
        start = self.grid.lead * hop + n_fft // 2
        for clip, count in zip(clips, counts, strict=True):
            np.subtract(clip, clip.mean() if self._removes_mean else 0, out=buffer[start : start + len(clip)])
            start += count * hop
        blocks = torch.split(torch.from_numpy(buffer).unfold(0, n_fft, hop), _BLOCK)
        return torch.cat([self._power(block) for block in blocks])[: sum(counts)]

    def _power(self, frames: torch.Tensor) -> torch.Tensor:
        spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window)).flatten(1)  # (N, n_fft + 2)
        spectrum.square_()
        powers = [spectrum[:, bins] @ filters for bins, filters in self._groups]
        return torch.cat(powers, 1)[:, : self.filters.shape[1]]  # (N, M)


def _grouped(filters: torch.Tensor) -> list[tuple[slice, torch.Tensor]]:
    """Return mel filters, Tensor[n_fft / 2 + 1, M], low to high in three groups, each with the bins that it looks at.

    Most of a filter is zeros: the groups have a third of the numbers. Each number stands there twice, so that the
    filters add real and imaginary squares: adding them before would cost more than the Fourier transform. Products of
    whole tiles are the same to the bit wherever a frame stands in its block.
    """
    n_mels = filters.shape[1]
    whole = functional.pad(filters, (0, -n_mels % _TILE))
    cuts = [-(-cut // _TILE) * _TILE for cut in (n_mels // 2, 3 * n_mels // 4)]
    groups = []
    for group in torch.tensor_split(whole, cuts, dim=1):
        seen = group.any(1).nonzero().flatten().tolist() or [0]
        first, last = seen[0], seen[-1] + 1
        groups.append((slice(2 * first, 2 * last), group[first:last].repeat_interleave(2, 0)))
    return groups


class ClipEntry(NamedTuple):
    """What an index says of a clip.

    Attributes
    ----------
    n_samples : int
        Length at the front end's sample rate.
    lowest, highest : float
        Extreme sample values.
    digest : bytes
        Of the sound as it was read; zeros if it was not read from a file.
    """

    n_frames: int
    n_samples: int
    lowest: float = 0.0
    highest: float = 0.0
    digest: bytes = bytes(16)


class ClipFrames(NamedTuple):
    """The features of one clip: mel power, Tensor[n_frames, M], and what an index says of it."""

    frames: torch.Tensor
    entry: ClipEntry

    @classmethod
    def of(cls, waveforms: Sequence[Samples], mel: MelPower) -> list[ClipFrames]:
        """Return the features of several clips, float32 array [L_i] each, at the front end's sample rate."""
        own = torch.split(mel(waveforms), [mel.grid.n_frames(len(samples)) for samples in waveforms])
        return [
            cls(frames, ClipEntry(len(frames), len(samples), float(samples.min()), float(samples.max())))
            for samples, frames in zip(waveforms, own, strict=True)
        ]
