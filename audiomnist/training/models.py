"""The networks, by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from audiomnist.config import Config
from audiomnist.corpus.scan import CLASSES


class FoldedConv2d(nn.Conv2d):
    """A convolution that also takes one channel standing for all, when all its input channels are alike.

    Convolving a repeated channel is convolving it once with the sum of the filters; values and gradients are the same.
    """

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, in_channels or 1, H, W] to Tensor[B, out_channels, H', W']."""
        folded = inputs.shape[1] == 1 < self.in_channels
        weight = self.weight.sum(1, keepdim=True) if folded else self.weight
        return functional.conv2d(inputs, weight, self.bias, self.stride, self.padding)


class Cnn4(nn.Module):
    """The 2021 study's network: four strided blocks of Conv-ReLU-BatchNorm, average pooling, one linear layer.

    25,602 parameters with two input channels and ten classes.
    """

    widths = (8, 16, 32, 64)

    def __init__(self, in_channels: int, n_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for block, width in enumerate(self.widths):
            size, conv = (5, FoldedConv2d) if block == 0 else (3, nn.Conv2d)
            layers += [
                conv(before, width, size, stride=2, padding=size // 2),
                nn.ReLU(),
                nn.BatchNorm2d(width),
            ]
            before = width
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, n_classes)
        for layer in self.blocks:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, a=0.1)
                nn.init.zeros_(layer.bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, C, M, N] to logits, Tensor[B, n_classes]."""
        maps: torch.Tensor = self.blocks(inputs)  # (B, 64, M / 16, N / 16)
        logits: torch.Tensor = self.classifier(maps.mean((-2, -1)))
        return logits


MODELS: dict[str, Callable[[int, int], nn.Module]] = {"cnn4": Cnn4}


def build_model(config: Config) -> nn.Module:
    """Return a freshly initialised network; its weights are a function of the configuration's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return MODELS[config.model.name](config.window.channels, len(CLASSES))
