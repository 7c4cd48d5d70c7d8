"""The networks, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from audiomnist.config import Config
from audiomnist.training.norm import BatchNorm


class Stem(nn.Conv2d):
    """The first convolution, 5 x 5 with stride 2 and padding 2, computed on pairs of mel bands.

    Frames lie in memory band after band, so two neighbouring bands can pass for two channels of one place without
    anything being moved. The stride along the bands is gone then, and a CPU is faster with two channels than with one.

    It also takes one channel standing for all, when all its input channels are alike: convolving a repeated channel is
    convolving it once with the sum of the filters. In both cases values and gradients stay the same.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 5, stride=2, padding=2, bias=bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, in_channels or 1, N, M] to Tensor[B, out_channels, N / 2, M / 2]."""
        folded = inputs.shape[1] == 1 < self.in_channels
        weight = self.weight.sum(1, keepdim=True) if folded else self.weight
        if inputs.shape[3] % 2:
            inputs = functional.pad(inputs, (0, 1))
        pairs = _paired(inputs)  # (B, 2 * C, N, M / 2)
        weight = _paired(functional.pad(weight, (0, 1)))  # (out_channels, 2 * C, 5, 3)
        channels_last = pairs.contiguous(memory_format=torch.channels_last)
        return functional.conv2d(channels_last, weight, self.bias, stride=(2, 1), padding=(2, 1))


def _paired(values: torch.Tensor) -> torch.Tensor:
    """Turn Tensor[B, C, N, M] into Tensor[B, 2 * C, N, M / 2]: even and odd columns as channels."""
    batch, channels, height, width = values.shape
    return values.view(batch, channels, height, width // 2, 2).permute(0, 1, 4, 2, 3).flatten(1, 2)


class Conv(nn.Conv2d):
    """A convolution with kernels of 3 x 3, in full precision where oneDNN's bfloat16 fails (seen with torch 2.14).

    That is on maps one column wide, where its gradient of strided filters reads memory that nobody wrote; and for
    strided depthwise filters, where the gradient of the maps takes 25 times as long.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, groups: int = 1, bias: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, 3, stride, padding=1, groups=groups, bias=bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, in_channels, H, W] to Tensor[B, out_channels, H / stride, W / stride]."""
        if inputs.shape[3] > 1 and (self.groups == 1 or self.stride == (1, 1)):
            return super().forward(inputs)
        with torch.autocast(inputs.device.type, enabled=False):
            return super().forward(inputs.float())


def pooled(maps: torch.Tensor) -> torch.Tensor:
    """Average Tensor[B, C, H, W] over its places: Tensor[B, C].

    With the channels last, so are those of the gradient; the gradient of ``maps.mean((2, 3))`` has to be turned first.
    """
    return maps.permute(0, 2, 3, 1).flatten(1, 2).mean(1)


class Cnn4(nn.Module):
    """The 2021 study's network: four strided blocks of Conv-ReLU-BatchNorm, average pooling, one linear layer.

    25,602 parameters with two input channels, ten classes and the study's widths of 8, 16, 32 and 64.
    """

    def __init__(self, in_channels: int, n_classes: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for block, width in enumerate(widths):
            conv = Conv(before, width, stride=2, bias=True) if block else Stem(before, width)
            layers += [conv, nn.ReLU(inplace=True), BatchNorm(width)]
            before = width
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, n_classes)
        for layer in self.blocks:
            # On the meta device only shapes are asked for, and normal numbers there take two seconds of imports.
            if isinstance(layer, nn.Conv2d) and layer.bias is not None and not layer.weight.is_meta:
                nn.init.kaiming_normal_(layer.weight, a=0.1)
                nn.init.zeros_(layer.bias)
        self.to(memory_format=torch.channels_last)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, C, N, M] to logits, Tensor[B, n_classes]."""
        logits: torch.Tensor = self.classifier(pooled(self.blocks(inputs)))
        return logits


class Block(nn.Module):
    """A convolution or a separable one, batch normalisation, ReLU, and a way around them where shapes allow."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, *, separable: bool) -> None:
        super().__init__()
        self.is_separable = separable
        if separable:
            self.depthwise = Conv(in_channels, in_channels, stride, groups=in_channels)
            self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        else:
            self.conv = Conv(in_channels, out_channels, stride)
        self.norm = BatchNorm(out_channels)
        self.is_residual = in_channels == out_channels and stride == 1

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, in_channels, H, W] to Tensor[B, out_channels, H / stride, W / stride]."""
        maps = self.pointwise(self.depthwise(inputs)) if self.is_separable else self.conv(inputs)
        outputs = functional.relu(self.norm(maps))
        return inputs + outputs if self.is_residual else outputs


class ResidualNet(nn.Module):
    """A strided stem, then per stage a strided and a residual block, average pooling, one linear layer.

    With separable blocks it is of the family of DS-CNN (Zhang et al., 2017) and MobileNet: fewest parameters. With
    dense blocks it is a small ResNet (He et al., 2016), which has more of them and takes a CPU less time.
    """

    def __init__(self, in_channels: int, n_classes: int, widths: tuple[int, ...], *, separable: bool) -> None:
        super().__init__()
        first, *rest = widths
        stem = Stem(in_channels, first, bias=False)
        layers: list[nn.Module] = [stem, BatchNorm(first), nn.ReLU()]
        before = first
        for width in rest:
            layers += [Block(before, width, 2, separable=separable), Block(width, width, 1, separable=separable)]
            before = width
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, n_classes)
        self.to(memory_format=torch.channels_last)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, C, N, M] to logits, Tensor[B, n_classes]."""
        logits: torch.Tensor = self.classifier(pooled(self.blocks(inputs)))
        return logits


MODELS: dict[str, Callable[[int, int, tuple[int, ...]], nn.Module]] = {
    "cnn4": Cnn4,
    "resnet": partial(ResidualNet, separable=False),
    "dsnet": partial(ResidualNet, separable=True),
}


def build_model(config: Config, n_classes: int) -> nn.Module:
    """Return a freshly initialised network; its weights are a function of the configuration's seed.

    Where there is a corpus of other sounds it has one more output, the last, for everything that is no class.
    """
    n_outputs = n_classes + bool(config.no_digit.data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return MODELS[config.model.name](config.window.channels, n_outputs, config.model.widths)
