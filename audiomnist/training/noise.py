"""Noise in the mel domain: around clips as padding, and over clips as rooms, crowds and recordings have it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import torch

from audiomnist.config import Config
from audiomnist.device import generator
from audiomnist.features.mel import MelPower
from audiomnist.training.dataset import Placed, WindowedClips

_TALKERS = 6
_BABBLE_FRAMES = 8_192


def chosen(frames: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return frames, Tensor[K, M], by their numbers: Tensor[..., M]. Indexing with brackets takes twice as long."""
    return frames.index_select(0, rows.view(-1)).view(*rows.shape, -1)


class NoiseBank:
    """Mel power of noise, uniform between -1 and 1, frame by frame as an STFT sees it."""

    n_frames = 4096

    def __init__(self, config: Config, device: torch.device) -> None:
        features = config.features
        self.device = device
        mel = MelPower(features)
        n_fft, hop = features.n_fft, features.hop_length
        stream = generator(torch.device("cpu"), config.seed, 0)
        noise = torch.rand((self.n_frames - 1) * hop + n_fft, generator=stream) * 2 - 1
        of_noise = torch.fft.rfft(noise.unfold(0, n_fft, hop) * mel.window)  # (K, n_fft / 2 + 1)
        of_one = torch.fft.rfft(mel.window)
        self.power = (of_noise.abs().square() @ mel.filters).to(device)  # (K, M)
        self.cross = (2 * (of_one.conj() * of_noise).real @ mel.filters).to(device)  # (K, M), noise times a constant
        self.constant = (of_one.abs().square() @ mel.filters).to(device)  # (M,), power of a constant 1

    @property
    def levelled(self) -> torch.Tensor:
        """Its power, 1 on average in every band: Tensor[K, M]."""
        levelled: torch.Tensor = self.power / self.power.mean(0).clamp(min=1e-30)
        return levelled

    def rows(self, draws: torch.Tensor, n_frames: int) -> torch.Tensor:
        """Return which frames make up random stretches, Tensor[..., n_frames], for uniform numbers Tensor[...]."""
        starts = (draws * (self.n_frames - n_frames + 1)).long()
        rows: torch.Tensor = starts[..., None] + torch.arange(n_frames, device=self.device)
        return rows


class RoomNoise:
    """Stretches of noise of several kinds, each kind as likely as any other.

    Parameters
    ----------
    kinds : sequence of sequences of Tensor[K_i, M]
        Mel power of the recordings of each kind. Every recording is brought to a mean power of 1.
    """

    def __init__(self, kinds: Sequence[Sequence[torch.Tensor]], device: torch.device) -> None:
        recordings = [(recording, 1 / len(kinds) / len(kind)) for kind in kinds for recording in kind]
        self._frames = torch.cat([frames / frames.mean().clamp(min=1e-30) for frames, _ in recordings]).to(device)
        self._counts = torch.tensor([len(frames) for frames, _ in recordings], device=device)
        self._firsts = self._counts.cumsum(0) - self._counts
        self._ends = torch.tensor([share for _, share in recordings], device=device).cumsum(0)[:-1]

    def __call__(self, kind: torch.Tensor, start: torch.Tensor, n_frames: int) -> torch.Tensor:
        """Return stretches for uniform numbers, two Tensor[B]: Tensor[B, n_frames, M].

        Recordings that are too short are repeated.
        """
        recording = (kind[:, None] >= self._ends).sum(1)
        counts = self._counts[recording]
        begins = (start * (counts - n_frames + 1).clamp(min=1)).long()
        rows = (begins[:, None] + torch.arange(n_frames, device=kind.device)) % counts[:, None]
        return chosen(self._frames, self._firsts[recording][:, None] + rows)


def babble(clips: WindowedClips, numbers: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the mel power of six talkers at once, each saying clip after clip, equally loud: Tensor[K, M].

    The clips that may be said are ``numbers``, Tensor[n].
    """
    stream = generator(torch.device("cpu"), seed, 2)
    talkers = []
    for _ in range(_TALKERS):
        said: list[torch.Tensor] = []
        while sum(map(len, said)) < _BABBLE_FRAMES:
            clip = numbers[torch.randint(len(numbers), (), generator=stream).to(numbers.device)]
            frames = clips.frames(int(clip))
            said.append(frames / frames.mean().clamp(min=1e-30))
        talkers.append(torch.cat(said)[:_BABBLE_FRAMES])
    return torch.stack(talkers).sum(0)


class NoisePadding:
    """Fill what surrounds a clip with noise, uniform between the clip's own extremes, sampled for each channel.

    Uniform noise between a and b is a constant c = (a + b) / 2 plus r = (b - a) / 2 times noise n between -1 and 1.
    Under one window its mel power is r^2 |n|^2 + 2 r c Re(1* n) + c^2 |1|^2, each term filtered to mel bands. All three
    come from the bank; a clip takes a random stretch of it and its own r and c. So frames of padding are exactly those
    of a noise waveform. Where a window sees both clip and noise the two powers are added, the noise by the share of the
    window's energy that falls on it: independent signals' expected powers add.
    """

    def __init__(self, config: Config, clips: WindowedClips, bank: NoiseBank) -> None:
        self._clips, self._bank = clips, bank
        self.n_draws = config.window.channels
        energy = torch.hann_window(config.features.n_fft).square().cumsum(0)
        self._energy = torch.cat([torch.zeros(1), energy / energy[-1]]).to(clips.device)  # (n_fft + 1,)

    def __call__(self, placed: Placed, draws: torch.Tensor) -> torch.Tensor:
        """Return mel power with noise around the clips, Tensor[B, C, N, M]; ``draws`` is Tensor[B, C]."""
        n_frames = placed.power.shape[1]
        rows = self._bank.rows(draws, n_frames)  # (B, C, N)
        constant = ((placed.highest + placed.lowest) / 2)[:, None, None, None]
        scale = ((placed.highest - placed.lowest) / 2)[:, None, None, None]
        power = chosen(self._bank.power, rows).mul_(scale.square())
        power.addcmul_(chosen(self._bank.cross, rows), scale * constant)
        power.add_(self._bank.constant * constant.square()).clamp_(min=0)
        share = self._share_of_noise(placed, n_frames)[:, None, :, None]
        return torch.addcmul(placed.power[:, None], power, share)

    def keep_test_noise_only(self, n_frames: int, draw: float) -> None:
        """Keep of the bank the one stretch that clips get by this uniform number."""
        rows = self._bank.rows(torch.tensor(draw), n_frames)
        self._bank = copy(self._bank)
        self._bank.power, self._bank.cross = self._bank.power[rows], self._bank.cross[rows]
        self._bank.n_frames = n_frames

    def _share_of_noise(self, placed: Placed, n_frames: int) -> torch.Tensor:
        """Return how much of each window's energy lies inside the clip's window but outside the clip, Tensor[B, N]."""
        n_fft, hop = self._clips.n_fft, self._clips.hop_length
        first = torch.arange(n_frames, device=placed.offsets.device) * hop - n_fft // 2  # (N,)
        begin = placed.offsets * hop
        end = (begin + placed.n_samples).clamp(max=self._clips.window_samples)

        def energy_before(sample: torch.Tensor) -> torch.Tensor:
            return self._energy[(sample - first).clamp(0, n_fft)]

        zero = torch.zeros_like(first)
        everywhere = energy_before(zero + self._clips.window_samples) - energy_before(zero)
        return everywhere - (energy_before(end[:, None]) - energy_before(begin[:, None]))
