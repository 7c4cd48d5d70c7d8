"""Changes to training clips, on mel power, for a whole batch at once.

What a new voice, a new microphone and a new room do to a word, sampled again for every clip in every epoch. Like all
transforms, these take uniform numbers and sample nothing themselves.
"""

from __future__ import annotations

import math

import torch

from audiomnist.config import Augment, Features
from audiomnist.features.mel import band_centres_hz, hz_to_mel, mel_filters, mel_to_hz
from audiomnist.training.noise import RoomNoise

_EQUALISER_TERMS = 4
_LOWEST_LIMIT_HZ = 3_000.0
_RT60_S = 0.1, 1.0
_DIRECT_TO_REVERBERANT_DB = 10.0, -3.0
_OVERDRIVE_DB = -6.0, 24.0  # of the ceiling, below the loudest frame's deviation; its peaks are some 10 dB above that
_NO_CEILING = 4.0  # deviations: noise hardly ever reaches it
_TINY = 1e-30


def spread(draws: torch.Tensor, widest: float) -> torch.Tensor:
    """Map uniform numbers to factors between 1 / (1 + widest) and 1 + widest, uniform in their logarithm."""
    return torch.exp((2 * draws - 1) * math.log1p(widest))


def mask(inputs: torch.Tensor, draws: torch.Tensor, axis: int, fraction: float) -> torch.Tensor:
    """Set random stretches of an axis to 0, which after normalisation is the mean.

    SpecAugment (Park et al., Interspeech 2019), with masks of its own for every clip.

    Parameters
    ----------
    inputs : Tensor[B, C, N, M]
        Overwritten.
    draws : Tensor[B, 2 * n_masks]
        Uniform in [0, 1): widths, of at most ``fraction`` of the axis, then places.
    axis : int
        2 for time, 3 for frequency.
    """
    size = inputs.shape[axis]
    widths, places = draws.chunk(2, dim=1)  # (B, n_masks)
    widths = (widths * (int(size * fraction) + 1)).floor()
    starts = (places * (size - widths + 1)).floor()
    cells = torch.arange(size, device=inputs.device)
    shown = ((cells < starts[..., None]) | (cells >= (starts + widths)[..., None])).all(1)  # (B, size)
    shape = [len(inputs), 1, 1, 1]
    shape[axis] = size
    return inputs.mul_(shown.view(shape))


def clipped_noise(correlation: torch.Tensor, ceiling: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what clipping makes of Gaussian noise of power 1.

    A part of it stays as it was (Bussgang, 1952); the rest, distortion, has an autocorrelation that is a power series
    in the noise's own (Price, 1958). Its terms of order 3 and 5 are exact, the sum of the others is right, and they are
    taken to be in proportion as with a limiter, the arcsine (Van Vleck and Middleton, 1966).

    Parameters
    ----------
    correlation : Tensor[..., K]
        Autocorrelation of the noise.
    ceiling : Tensor[..., 1]
        Where it is clipped, in its standard deviations.

    Returns
    -------
    kept : Tensor[..., 1]
        What is left of its power, undistorted.
    distortion : Tensor[..., K]
        Autocorrelation of the distortion.
    """
    inside = torch.erf(ceiling / math.sqrt(2))  # probability, and also the gain of what is kept
    density = math.sqrt(2 / math.pi) * torch.exp(-ceiling.square() / 2)  # twice that at the ceiling
    power = inside - ceiling * density + ceiling.square() * (1 - inside)
    third = (density * ceiling).square() / 6
    fifth = (density * ceiling * (ceiling.square() - 3)).square() / 120
    # What is left of the arcsine without its terms of order 1, 3 and 5, for the others.
    others = (power - inside.square() - third - fifth).clamp(min=0) / (math.pi / 2 - 1 - 1 / 6 - 3 / 40)
    square = correlation.square()
    of_even_order = square * (third - others / 6 + square * (fifth - others * (3 / 40))) - others
    return inside.square(), correlation * of_even_order + others * torch.asin(correlation)


def _cosine_transforms(features: Features) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the matrices from mel power to autocorrelation, Tensor[M, n_fft / 2 + 1], and back, but for factors."""
    filters = mel_filters(features)
    numbers = torch.arange(len(filters))
    cosines = torch.cos(numbers[:, None] * numbers % features.n_fft * (2 * math.pi / features.n_fft))
    cosines[1:-1] *= 2  # each stands for its mirror image as well
    even = filters / filters.sum(0).clamp(min=_TINY)  # a filter between two bins holds neither
    return even.T @ cosines, cosines @ filters


class VoiceAndRoom:
    """Warp, equalise, reverberate, cover with noise, overdrive and narrow the mel power of clips.

    - Warp: the frequency axis is scaled, as by a longer or shorter vocal tract (VTLP, Jaitly and Hinton, 2013).
    - Equalise: a random tilt and a random smooth curve over the mel axis, as by another microphone.
    - Reverberate: with some probability, power dies away exponentially after every frame, as in a room (Polack's model;
      the powers of direct sound and reverberation are added, as of independent signals).
    - Noise: with some probability, noise of random tilt at a random level below the clip's loudest band and frame.
    - Overdrive: with some probability, peaks are cut off at a random ceiling, as if each frame were Gaussian noise of
      its spectrum: see ``clipped_noise``.
    - Limit the band: with some probability, what lies above a random frequency is lost, as in a recording at a lower
      rate or over a telephone.
    """

    def __init__(self, features: Features, augment: Augment, noise: RoomNoise, device: torch.device) -> None:
        self._augment, self._noise = augment, noise
        self._to_correlation, self._to_power = (matrix.to(device) for matrix in _cosine_transforms(features))
        self._centres_hz = band_centres_hz(features).to(device)
        bottom, top = hz_to_mel(torch.tensor([features.lowest_hz, features.sample_rate / 2])).tolist()
        self._bottom, self._top, self._n_mels = bottom, top, features.n_mels
        self._hop_s = features.hop_length / features.sample_rate
        self._lowest_limit = float(hz_to_mel(torch.tensor(_LOWEST_LIMIT_HZ)))
        self._along = torch.linspace(-1, 1, features.n_mels, device=device)
        orders = torch.arange(1, _EQUALISER_TERMS + 1, device=device)
        self._waves = math.pi / 2 * orders[:, None] * (self._along + 1)  # (4, M)
        self._sizes = [1, 1, 2 * _EQUALISER_TERMS, 5, 2, 3, 2]

    @property
    def n_draws(self) -> int:
        """Uniform numbers needed for a clip."""
        return sum(self._sizes)

    def __call__(self, power: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """Return changed mel power, Tensor[B, N, M], which is overwritten, by uniform numbers Tensor[B, n_draws]."""
        warp, tilt, equaliser, noise, limit, room, overdrive = torch.split(draws, self._sizes, dim=1)
        if self._augment.warp:
            power = self._warp(power, spread(warp[:, 0], self._augment.warp))
        gain_db = (2 * tilt - 1) * self._augment.tilt_db * self._along  # (B, M)
        if self._augment.equaliser_db:
            heights, phases = equaliser.chunk(2, dim=1)  # (B, 4)
            waves = torch.cos(self._waves + 2 * math.pi * phases[..., None])  # (B, 4, M)
            gain_db = gain_db + self._augment.equaliser_db / 2 * torch.einsum("bk,bkm->bm", 2 * heights - 1, waves)
        power = power.mul_(torch.pow(10.0, gain_db / 10)[:, None])
        if self._augment.reverberation_probability:
            power = self._reverberate(power, room)
        if self._augment.noise_probability:
            power = self._add_noise(power, noise)
        if self._augment.overdrive_probability:
            power = self._overdrive(power, overdrive)
        if self._augment.band_limit_probability:
            power = self._limit_band(power, limit)
        return power

    def _warp(self, power: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
        along = (hz_to_mel(self._centres_hz * factors[:, None]) - self._bottom) / (self._top - self._bottom)
        bands = (along * (self._n_mels + 1) - 1).clamp(0, self._n_mels - 1)  # (B, M)
        below = bands.long()
        above = (below + 1).clamp(max=self._n_mels - 1)
        matrix = torch.zeros(len(power), self._n_mels, self._n_mels, device=power.device)  # (B, M, M')
        share = (bands - below)[:, None]
        matrix.scatter_add_(1, below[:, None], 1 - share)
        matrix.scatter_add_(1, above[:, None], share)
        return power @ matrix

    def _reverberate(self, power: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        present, length, distance = draws.T
        shortest_s, longest_s = _RT60_S
        rt60_s = shortest_s * (longest_s / shortest_s) ** length
        decay = torch.pow(10.0, -6 * self._hop_s / rt60_s)  # of power, per frame
        nearest_db, farthest_db = _DIRECT_TO_REVERBERANT_DB
        wet = torch.pow(10.0, -(nearest_db + (farthest_db - nearest_db) * distance) / 10) * (1 - decay)
        wet = wet * (present < self._augment.reverberation_probability)
        frames = torch.arange(power.shape[1], device=power.device)
        later = frames[:, None] - frames - 1  # (N, N)
        tails = torch.exp(later.clamp(min=0) * decay.log()[:, None, None]).masked_fill_(later < 0, 0.0)
        reverberant: torch.Tensor = torch.baddbmm(power, tails * wet[:, None, None], power)
        return reverberant

    def _add_noise(self, power: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        start, present, level, tilt, kind = draws.T
        quietest_db, loudest_db = self._augment.noise_below_peak_db
        below_db = quietest_db + (loudest_db - quietest_db) * level
        shape_db = (2 * tilt - 1)[:, None] * self._augment.noise_tilt_db * self._along - below_db[:, None]  # (B, M)
        height = power.flatten(1).amax(1)[:, None] * torch.pow(10.0, shape_db / 10)
        height = height * (present < self._augment.noise_probability)[:, None]
        return power.addcmul_(self._noise(kind, start, power.shape[1]), height[:, None])

    def _overdrive(self, power: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        present, drive = draws.T
        least_db, most_db = _OVERDRIVE_DB
        of_frames = power.sum(2).clamp(min=_TINY)  # (B, N)
        highest = of_frames.amax(1) * torch.pow(10.0, -(least_db + (most_db - least_db) * drive) / 10)
        ceilings = (highest[:, None] / of_frames).sqrt()
        frames = (present < self._augment.overdrive_probability)[:, None] & (ceilings < _NO_CEILING)
        clean, of_frames = power[frames], of_frames[frames][:, None]  # (K, M) and (K, 1)
        correlation = clean / of_frames @ self._to_correlation  # (K, n_fft / 2 + 1)
        correlation = (correlation / correlation[:, :1].clamp(min=_TINY)).clamp(-1, 1)
        kept, distortion = clipped_noise(correlation, ceilings[frames][:, None])
        added = (distortion @ self._to_power).clamp(min=0)
        added *= distortion[:, :1] * of_frames / added.sum(1, keepdim=True).clamp(min=_TINY)
        power[frames] = kept * clean + added
        return power

    def _limit_band(self, power: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        present, height = draws[:, :1], draws[:, 1:]
        limits_hz = mel_to_hz(self._lowest_limit + height * (self._top - self._lowest_limit))
        kept = (self._centres_hz <= limits_hz) | (present >= self._augment.band_limit_probability)  # (B, M)
        return power.mul_(kept[:, None])
