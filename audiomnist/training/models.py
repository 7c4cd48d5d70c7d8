"""The networks, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from audiomnist.config import Config


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

    25,602 parameters with two input channels, ten classes and the study's widths of 8, 16, 32 and 64.
    """

    def __init__(self, in_channels: int, n_classes: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for block, width in enumerate(widths):
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


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, batch normalisation, ReLU, and a way around them where shapes allow."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.is_residual = in_channels == out_channels and stride == 1

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, in_channels, H, W] to Tensor[B, out_channels, H / stride, W / stride]."""
        outputs = functional.relu(self.norm(self.pointwise(self.depthwise(inputs))))
        return inputs + outputs if self.is_residual else outputs


class Dense(nn.Module):
    """A convolution, batch normalisation, ReLU, and a way around them where shapes allow."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.is_residual = in_channels == out_channels and stride == 1

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, in_channels, H, W] to Tensor[B, out_channels, H / stride, W / stride]."""
        outputs = functional.relu(self.norm(self.conv(inputs)))
        return inputs + outputs if self.is_residual else outputs


class ResidualNet(nn.Module):
    """A strided stem, then per stage a strided and a residual block, average pooling, one linear layer.

    With separable blocks it is of the family of DS-CNN (Zhang et al., 2017) and MobileNet: fewest parameters. With
    dense blocks it is a small ResNet (He et al., 2016), which has more of them and takes a CPU less time.
    """

    def __init__(
        self, block: type[Dense | Separable], in_channels: int, n_classes: int, widths: tuple[int, ...]
    ) -> None:
        super().__init__()
        first, *rest = widths
        stem = FoldedConv2d(in_channels, first, 5, stride=2, padding=2, bias=False)
        layers: list[nn.Module] = [stem, nn.BatchNorm2d(first), nn.ReLU()]
        before = first
        for width in rest:
            layers += [block(before, width, 2), block(width, width, 1)]
            before = width
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, n_classes)
        self.to(memory_format=torch.channels_last)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, C, M, N] to logits, Tensor[B, n_classes]."""
        maps: torch.Tensor = self.blocks(inputs.contiguous(memory_format=torch.channels_last))
        logits: torch.Tensor = self.classifier(maps.mean((-2, -1)))
        return logits


MODELS: dict[str, Callable[[int, int, tuple[int, ...]], nn.Module]] = {
    "cnn4": Cnn4,
    "resnet": partial(ResidualNet, Dense),
    "dsnet": partial(ResidualNet, Separable),
}


def build_model(config: Config, n_classes: int) -> nn.Module:
    """Return a freshly initialised network; its weights are a function of the configuration's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return MODELS[config.model.name](config.window.channels, n_classes, config.model.widths)
