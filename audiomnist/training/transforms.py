"""From placed mel power to what the network sees: noise, decibels, normalisation, masks.

Every function works on a whole batch on its device, treats each clip apart from its neighbours, and draws nothing
itself: what is random comes in as uniform numbers, one row per clip.
"""

from __future__ import annotations

import torch

from audiomnist.config import Config
from audiomnist.device import generator
from audiomnist.features.mel import MelPower
from audiomnist.training.dataset import Placed, WindowedClips

AMIN = 1e-10  # smallest power that is told apart, as in torchaudio's AmplitudeToDB
_CENTRE = 0.5


def to_db(power: torch.Tensor, top_db: float) -> torch.Tensor:
    """Return decibels, cut at ``top_db`` below each clip's loudest bin, like torchaudio's ``AmplitudeToDB``.

    Parameters
    ----------
    power : Tensor[B, ...]
        Overwritten.
    """
    db = power.clamp_(min=AMIN).log10_().mul_(10.0)
    loudest = db.flatten(1).amax(1)
    return db.clamp_(min=(loudest - top_db).view(-1, *[1] * (db.ndim - 1)))


def normalise(db: torch.Tensor) -> torch.Tensor:
    """Give each clip mean 0 and standard deviation 1, whichever batch it is in.

    Parameters
    ----------
    db : Tensor[B, ...]
        Overwritten.
    """
    flat = db.flatten(1)
    variance, mean = torch.var_mean(flat, 1, correction=0, keepdim=True)
    flat.sub_(mean).mul_((variance + 1e-5).rsqrt_())
    return db


def mask(inputs: torch.Tensor, draws: torch.Tensor, axis: int, fraction: float) -> torch.Tensor:
    """Set random stretches of an axis to 0, which after ``normalise`` is the clip's mean.

    SpecAugment (Park et al., Interspeech 2019), with masks of its own for every clip.

    Parameters
    ----------
    inputs : Tensor[B, C, N, M]
        Overwritten.
    draws : Tensor[B, 2 * n_masks]
        Uniform in [0, 1): widths, then places.
    axis : int
        2 for time, 3 for frequency.
    fraction : float
        The widest mask, as a part of the axis.
    """
    size = inputs.shape[axis]
    widths, places = draws.chunk(2, dim=1)  # (B, n_masks)
    widths = (widths * (int(size * fraction) + 1)).floor()
    starts = (places * (size - widths + 1)).floor()
    cells = torch.arange(size, device=inputs.device)
    hidden = ((cells >= starts[..., None]) & (cells < (starts + widths)[..., None])).any(1)  # (B, size)
    shape = [len(inputs), 1, 1, 1]
    shape[axis] = size
    return inputs.masked_fill_(hidden.view(shape), 0.0)


class NoisePadding:
    """Fill what surrounds a clip with noise, uniform between the clip's own extremes, drawn for each channel.

    Uniform noise between a and b is a constant c = (a + b) / 2 plus r = (b - a) / 2 times noise n between -1 and 1.
    Under one window its mel power is r^2 |n|^2 + 2 r c Re(1* n) + c^2 |1|^2, each term filtered to mel bands. All three
    are made once from one long stretch of real noise; a clip takes a random part of the stretch and its own r and c. So
    frames of padding are exactly those of a noise waveform. Where a window sees both clip and noise the two powers are
    added, the noise by the share of the window's energy that falls on it: independent signals' expected powers add.
    """

    n_frames = 4096

    def __init__(self, config: Config, clips: WindowedClips) -> None:
        features = config.features
        self._clips = clips
        self._channels = config.window.channels
        mel = MelPower(features)
        n_fft, hop = features.n_fft, features.hop_length
        stream = generator(torch.device("cpu"), config.seed, 0)
        noise = torch.rand((self.n_frames - 1) * hop + n_fft, generator=stream) * 2 - 1
        of_noise = torch.fft.rfft(noise.unfold(0, n_fft, hop) * mel.window)  # (K, n_fft / 2 + 1)
        of_one = torch.fft.rfft(mel.window)
        device = clips.device
        self._noise = (of_noise.abs().square() @ mel.filters).to(device)  # (K, M)
        self._cross = (2 * (of_one.conj() * of_noise).real @ mel.filters).to(device)
        self._constant = (of_one.abs().square() @ mel.filters).to(device)
        energy = torch.cat([torch.zeros(1), mel.window.square().cumsum(0)])
        self._energy = (energy / energy[-1]).to(device)  # (n_fft + 1,)

    @property
    def n_draws(self) -> int:
        """Uniform numbers needed for a clip."""
        return self._channels

    def __call__(self, placed: Placed, draws: torch.Tensor) -> torch.Tensor:
        """Return mel power with noise around the clips, Tensor[B, C, N, M]; ``draws`` is Tensor[B, C]."""
        n_frames = placed.power.shape[1]
        starts = (draws * (self.n_frames - n_frames + 1)).long()  # (B, C)
        rows = starts[..., None] + torch.arange(n_frames, device=starts.device)  # (B, C, N)
        constant = ((placed.highest + placed.lowest) / 2)[:, None, None, None]
        scale = ((placed.highest - placed.lowest) / 2)[:, None, None, None]
        power = self._noise[rows].mul_(scale.square())
        power.addcmul_(self._cross[rows], scale * constant)
        power.add_(self._constant * constant.square()).clamp_(min=0)
        share = self._share_of_noise(placed, n_frames)[:, None, :, None]
        return torch.addcmul(placed.power[:, None], power, share)

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


class FrontEnd:
    """Clip indices and uniform numbers in, network inputs out."""

    def __init__(self, config: Config, clips: WindowedClips) -> None:
        self._clips = clips
        self.device = clips.device
        self._top_db = config.window.top_db
        self._augment = config.augment
        self._padding = NoisePadding(config, clips) if config.window.padding == "noise" else None
        self._n_placing = 1 + (self._padding.n_draws if self._padding else 0)

    @property
    def n_draws(self) -> int:
        """Uniform numbers that a training clip uses up."""
        return self._n_placing + 2 * (self._augment.time_masks + self._augment.freq_masks)

    def train(self, clips: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """Return training inputs: random place, random padding, random masks.

        Parameters
        ----------
        clips : Tensor[B]
            Indices into the store.
        draws : Tensor[B, n_draws]
            Uniform in [0, 1).

        Returns
        -------
        Tensor[B, C, M, N]
            C is 1 where all channels are alike.
        """
        placing, times, frequencies = torch.split(
            draws, [self._n_placing, 2 * self._augment.time_masks, 2 * self._augment.freq_masks], dim=1
        )
        inputs = self._inputs(clips, placing)
        mask(inputs, times, 2, self._augment.mask_fraction)
        mask(inputs, frequencies, 3, self._augment.mask_fraction)
        return inputs.transpose(2, 3)  # (B, C, M, N)

    def test(self, clips: torch.Tensor) -> torch.Tensor:
        """Return inputs that depend on the clip alone: centred, unmasked, always the same padding."""
        clips = clips.to(self.device)
        placing = torch.full((len(clips), self._n_placing), _CENTRE, device=clips.device)
        return self._inputs(clips, placing).transpose(2, 3)  # (B, C, M, N)

    def _inputs(self, clips: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        placed = self._clips.place(clips, draws[:, 0])
        power = self._padding(placed, draws[:, 1:]) if self._padding else placed.power[:, None]  # (B, C, N, M)
        return normalise(to_db(power, self._top_db))
