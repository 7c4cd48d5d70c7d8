"""What each idea brings to v2's training step, all timed in turn in one process: python benchmarks/tried.py

Random inputs of v2's shape; every line has what the lines above it have, but for those that were dropped.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn import functional

from audiomnist.config import load, version_path
from audiomnist.device import keep_freed_memory
from audiomnist.training import models, norm
from audiomnist.training.optimizer import OneCycleAdamW
from suite.learning import take_step

N_FRAMES, ROUNDS, STEPS = 94, 9, 8
Step = Callable[[], object]


class PlainStem(nn.Conv2d):
    """The first convolution as torch computes it, of the one channel that stands for all."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 5, stride=2, padding=2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(inputs, self.weight.sum(1, keepdim=True), self.bias, stride=2, padding=2)


class RowsNorm(norm.BatchNorm):
    """Statistics over rows however many channels there are."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        kept = norm._FEW, norm._LINE
        norm._FEW = norm._LINE = self.num_features + 1
        outputs = super().forward(inputs)
        norm._FEW, norm._LINE = kept
        return outputs


class PlainPooling(models.Cnn4):
    """The average over places as one would write it."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.blocks(inputs).mean((2, 3)))


def make_step(
    batch: int,
    *,
    half: bool = True,
    channels_last: bool = True,
    stem: type[nn.Module] = models.Stem,
    batch_norm: type[nn.Module] = norm.BatchNorm,
    ours: bool = True,
    pooling: type[nn.Module] = models.Cnn4,
    compiled: bool = False,
) -> Step:
    """Return a training step on one ready batch, as this or that idea has it."""
    kept = models.Stem, models.BatchNorm
    models.Stem, models.BatchNorm = stem, batch_norm  # type: ignore[misc, assignment]
    network = models.build_model(load(version_path("v2")), 10).train()
    models.Stem, models.BatchNorm = kept  # type: ignore[misc]
    network.__class__ = pooling
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network.to(memory_format=layout)
    inputs = torch.randn(batch, 1, N_FRAMES, 64).contiguous(memory_format=layout)
    labels = torch.randint(10, (batch,))
    optimizer = (
        OneCycleAdamW(network.parameters(), peak_lr=1e-6, weight_decay=0.0, total_steps=1_000_000)
        if ours
        else torch.optim.AdamW(network.parameters(), lr=1e-6, fused=True)
    )
    forward = torch.compile(network) if compiled else network
    return partial(take_step, forward, optimizer, inputs, labels, half=half)


def rates(steps: dict[str, tuple[int, Step]]) -> dict[str, float]:
    """Return clips per second of each, the median over rounds in which all take their turn."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for attempt in range(ROUNDS + 1):
        for name, (_, step) in steps.items():
            step()
            started = time.perf_counter()
            for _ in range(STEPS):
                step()
            if attempt:
                seconds[name].append(time.perf_counter() - started)
    return {name: STEPS * batch / statistics.median(seconds[name]) for name, (batch, _) in steps.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--compile", action="store_true", help="try torch.compile too; needs a C++ compiler")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    simple = {"pooling": PlainPooling, "ours": False}
    plain = simple | {"stem": PlainStem, "batch_norm": nn.BatchNorm2d}
    steps = {
        "torch's layers, float32, batches of 32": (32, make_step(32, half=False, channels_last=False, **plain)),
        "bfloat16": (32, make_step(32, channels_last=False, **plain)),
        "batches of 64": (64, make_step(64, channels_last=False, **plain)),
        "channels last in memory": (64, make_step(64, **plain)),
        "bands in pairs": (64, make_step(64, **(plain | {"stem": models.Stem}))),
        "statistics over rows, 8 channels": (64, make_step(64, **simple)),
        "AdamW by the kernel alone": (64, make_step(64, pooling=PlainPooling)),
        "average pooling with the channels last": (64, make_step(64)),
        "dropped: float32": (64, make_step(64, half=False)),
        "dropped: statistics over rows, all channels": (64, make_step(64, batch_norm=RowsNorm)),
        "dropped: batches of 128": (128, make_step(128)),
    }
    if options.compile:
        steps["dropped: torch.compile"] = 64, make_step(64, compiled=True)
    before = rates(steps)
    keep_freed_memory()
    after = rates(steps)
    table = Table("what", "clips/s", "clips/s, freed memory kept")
    for name in steps:
        table.add_row(name, f"{before[name]:,.0f}", f"{after[name]:,.0f}")
    Console().print(table)
    Console().print(f"{options.threads} threads")


if __name__ == "__main__":
    main()
