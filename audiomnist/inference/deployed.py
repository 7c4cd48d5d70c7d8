"""A trained network with its front end inside, in operators that every runtime has: what is exported."""

from __future__ import annotations

import math
from copy import deepcopy

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from audiomnist.features.mel import ClipFrames, MelPower, band_centres_hz
from audiomnist.features.store import ClipStore
from audiomnist.training import dataset
from audiomnist.training.checkpoint import TrainedModel
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.models import Stem
from audiomnist.training.norm import BatchNorm
from audiomnist.training.transforms import FrontEnd

_CPU = torch.device("cpu")


class Deployed(nn.Module):
    """Waveforms in, probabilities out.

    There is no Fourier transform and no complex number: a frame's spectrum is a convolution with the window times
    cosines and sines. Placing, padding, decibels and normalisation are those of ``training.transforms``.
    """

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self._config, features = model.config, model.config.features
        mel = MelPower(features)
        self._grid = mel.grid
        self._temperature, self._n_classes = model.temperature, len(model.classes)
        self.waves: torch.Tensor
        self.filters: torch.Tensor
        self.emphasis: torch.Tensor
        self.register_buffer("waves", _windowed_waves(features.n_fft))  # (n_fft + 2, 1, n_fft)
        self.register_buffer("filters", mel.filters.repeat(2, 1).T[:, :, None].contiguous())  # (M, n_fft + 2, 1)
        self.register_buffer("emphasis", (band_centres_hz(features) / 1_000).square())
        silent = ClipStore.in_memory(features, ClipFrames.of([np.zeros(1, np.float32)], mel))
        self._front_end = FrontEnd(model.config, WindowedClips(silent, model.config.window, _CPU))
        self._front_end.keep_test_noise_only()
        self.network = plain(model.network).to(_CPU).eval()

    def forward(
        self, waveforms: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Recognise waveforms.

        Parameters
        ----------
        waveforms : Tensor[B, L]
            At the model's sample rate; what follows a waveform's length is not looked at.
        lengths : Tensor[B]
            Samples of each waveform, at least one; int64.

        Returns
        -------
        probabilities : Tensor[B, n_classes]
        score : Tensor[B]
            How much a waveform is like one of the classes: see ``training.no_digit``.
        logits : Tensor[B, n_outputs]
        """
        numbers = torch.arange(waveforms.shape[1])
        inside = numbers < lengths[:, None]  # (B, L)
        samples = torch.where(inside, waveforms, 0.0)
        if self._config.features.lowest_hz:
            samples = torch.where(inside, waveforms - (samples.sum(1) / lengths)[:, None], 0.0)
        hop, n_fft = self._grid.hop_length, self._grid.n_fft
        before = self._grid.lead * hop + n_fft // 2
        padded = functional.pad(samples[:, None], (before, n_fft + hop))
        spectra = functional.conv1d(padded, self.waves, stride=hop)  # (B, n_fft + 2, T)
        power = functional.conv1d(spectra.square(), self.filters).mT  # (B, T, M)
        counts = (lengths + n_fft // 2 + hop - 1) // hop + self._grid.lead
        first, counts, n_samples = self._trimmed(power, counts, lengths)
        lowest = torch.where(inside, waveforms, math.inf).amin(1)
        highest = torch.where(inside, waveforms, -math.inf).amax(1)
        clips = _Framed(self._front_end, power, first, counts, n_samples, lowest, highest)
        logits = self.network(self._front_end.over(clips).test(torch.arange(waveforms.shape[0])))
        of_classes = logits[:, : self._n_classes]
        score = of_classes.logsumexp(1)
        if logits.shape[1] > self._n_classes:
            score = score - logits[:, self._n_classes]
        return torch.softmax(of_classes / self._temperature, 1), score, logits

    def _trimmed(
        self, power: torch.Tensor, counts: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return first frame, number of frames and length in samples, as ``training.dataset.trimmed`` finds them."""
        window = self._config.window
        if not window.trim_db:
            return torch.zeros_like(counts), counts, lengths
        numbers = torch.arange(power.shape[1])
        within = numbers < counts[:, None]
        # Not a matrix product: ONNX Runtime 1.32 joins it with the transposition above, and the values change.
        weighed = torch.where(within, (power * self.emphasis).sum(2), -1.0)  # (B, T)
        loudest = weighed.amax(1, keepdim=True)
        line = loudest * 10 ** (-window.trim_db / 10)
        margin = 0
        if window.trim_snr_db:
            ranks = torch.div(counts - 1, dataset.BACKGROUND, rounding_mode="floor")[:, None]
            background = torch.where(within, weighed, math.inf).sort(1).values.gather(1, ranks)
            above = torch.minimum(
                background * 10 ** (window.trim_snr_db / 10), loudest * 10 ** (-dataset.SPEECH_DB / 10)
            )
            line = torch.maximum(line, above)
            margin = dataset.MARGIN
        loud = within & (weighed >= line)
        if window.trim_snr_db:
            before, after = functional.pad(loud, (1, 0))[:, :-1], functional.pad(loud, (0, 1))[:, 1:]
            beside = loud & (before | after)
            # Not a choice between the two: ONNX Runtime has none of booleans.
            loud = beside | (loud & ~beside.any(1, keepdim=True))
        first = (torch.where(loud, numbers, power.shape[1]).amin(1) - margin).clamp(min=0)
        last = torch.minimum(torch.where(loud, numbers, -1).amax(1) + margin, counts - 1)
        n_frames = last - first + 1
        return first, n_frames, n_frames * self._grid.hop_length


class _Framed(WindowedClips):
    """The clips of one batch, their frames side by side in place of one after the other in a store."""

    def __init__(
        self,
        like: FrontEnd,
        power: torch.Tensor,
        first: torch.Tensor,
        counts: torch.Tensor,
        n_samples: torch.Tensor,
        lowest: torch.Tensor,
        highest: torch.Tensor,
    ) -> None:
        self.__dict__.update(like.clips.__dict__)
        batch, n_frames, n_mels = power.shape
        self._frames = torch.cat([power.reshape(batch * n_frames, n_mels), torch.zeros(1, n_mels)])
        self._starts = torch.arange(batch) * n_frames + first
        self._counts, self.n_samples, self._lowest, self._highest = counts, n_samples, lowest, highest


def plain(network: nn.Module) -> nn.Module:
    """Return a copy in torch's own layers, which exporters know how to join: same values, but for rounding."""
    copied = deepcopy(network)
    for name, layer in list(copied.named_modules()):
        if isinstance(layer, Stem | BatchNorm):
            parent, _, attribute = name.rpartition(".")
            setattr(copied.get_submodule(parent), attribute, _plain_layer(layer))
    return copied


def _plain_layer(layer: Stem | BatchNorm) -> nn.Module:
    if isinstance(layer, Stem):
        return _PlainStem(layer)
    norm = nn.BatchNorm2d(layer.num_features, layer.eps)
    norm.load_state_dict(layer.state_dict())
    return norm


class _PlainStem(nn.Module):
    """The stem as one convolution of one channel, where all its channels are alike."""

    def __init__(self, stem: Stem) -> None:
        super().__init__()
        self.weight = nn.Parameter(stem.weight.detach())
        self.summed = nn.Parameter(stem.weight.detach().sum(1, keepdim=True))
        self.bias = None if stem.bias is None else nn.Parameter(stem.bias.detach())

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, in_channels or 1, N, M] to Tensor[B, out_channels, N / 2, M / 2]."""
        weight = self.summed if inputs.shape[1] == 1 else self.weight
        return functional.conv2d(inputs, weight, self.bias, stride=2, padding=2)


def _windowed_waves(n_fft: int) -> torch.Tensor:
    """Return a Hann window times cosines, then sines, of all frequencies, Tensor[n_fft + 2, 1, n_fft].

    They are computed in float64: the argument of the cosine is exact that way.
    """
    times = torch.arange(n_fft, dtype=torch.float64)
    turns = torch.outer(torch.arange(n_fft // 2 + 1, dtype=torch.float64), times) % n_fft / n_fft
    window = torch.hann_window(n_fft, dtype=torch.float64)
    waves = torch.cat([torch.cos(2 * torch.pi * turns), torch.sin(2 * torch.pi * turns)]) * window
    return waves.float()[:, None]
