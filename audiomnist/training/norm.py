"""Batch normalisation, fast for few channels on a CPU, and over the batches of all processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from audiomnist import distributed

_FEW = 32  # channels
_LINE = 16  # numbers of a cache line


class BatchNorm(nn.BatchNorm2d):
    """``torch.nn.BatchNorm2d`` (Ioffe and Szegedy, 2015) for maps whose channels lie side by side in memory.

    Few channels that do not fill cache lines are slow to add up: vectors stay half empty, and the threads' sums share
    lines. So a whole row of the map, all its places and channels, counts as so many channels first; what is known of
    these is merged into the statistics of the channels. The result can be a view: a ReLU that follows in place would
    make autograd copy the map three times.

    Where several processes train together, the statistics are those of all their batches, of whatever sizes, and so
    are the gradients. (torch's own ``SyncBatchNorm`` takes GPUs only, and there it takes this one's place.)
    """

    running_mean: torch.Tensor
    running_var: torch.Tensor
    num_batches_tracked: torch.Tensor
    momentum: float

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, C, H, W] to the same shape."""
        is_slow = self.num_features < _FEW and self.num_features % _LINE > 0
        if inputs.device.type != "cpu" or not (is_slow or distributed.size() > 1):
            return super().forward(inputs)
        rows = inputs.permute(0, 2, 3, 1).flatten(0, 1).flatten(1)  # (B * H, W * C)
        if self.training:
            normalised = _Normalise.apply(rows, self.weight, self.bias, self)
        else:
            mean, variance = _along(rows, self.running_mean, self.running_var)
            weight, bias = _along(rows, self.weight, self.bias)
            normalised = functional.batch_norm(rows, mean, variance, weight, bias, eps=self.eps)
        batch, channels, height, width = inputs.shape
        maps: torch.Tensor = normalised.view(batch, height, width, channels).permute(0, 3, 1, 2)
        return maps


class _Normalise(torch.autograd.Function):
    """Rows, Tensor[R, W * C], with the mean and variance of each channel over all rows and places taken out."""

    @staticmethod
    def forward(
        ctx: Any, rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, norm: BatchNorm
    ) -> torch.Tensor:
        n_channels = len(weight)
        means, variances = (value.view(-1, n_channels) for value in _column_statistics(rows))
        variance, mean = torch.var_mean(means, 0, correction=0)
        variance += variances.mean(0)
        count = rows.numel() // n_channels
        if distributed.size() > 1:
            of_ranks = distributed.stacked(torch.cat([mean, variance, mean.new_tensor([count])]))
            means, variances, counts = torch.split(of_ranks, [n_channels, n_channels, 1], 1)
            mean, variance = _merged(means, variances, counts)
            count = int(counts.sum())
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (count / max(count - 1, 1)), norm.momentum)
        values = _along(rows, mean, variance, weight, bias)  # (4, W * C)
        ctx.save_for_backward(rows, weight, mean, variance, values)
        ctx.count, ctx.eps = count, norm.eps
        return functional.batch_norm(rows, values[0], values[1], values[2], values[3], eps=norm.eps)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        rows, weight, mean, variance, values = ctx.saved_tensors
        columns_mean, columns_variance, columns_weight, _ = values
        of_columns = _column_gradients(gradient, rows, columns_weight, columns_mean, columns_variance, ctx.eps)
        of_weight, of_bias = sums = torch.stack(of_columns).view(2, -1, len(weight)).sum(1)
        if distributed.size() > 1:
            sums = distributed.summed(sums.clone())
        by_weight, by_bias = sums / -ctx.count
        # weight * scale * (gradient + by_bias + normalised * by_weight), as a line in gradient and rows
        scale = (variance + ctx.eps).rsqrt_()
        slope = weight * scale
        through_rows = slope * scale * by_weight
        constant = torch.addcmul(slope * by_bias, through_rows, mean, value=-1)
        slope, through_rows, constant = _along(rows, slope, through_rows, constant).to(rows.dtype)
        of_rows = torch.addcmul(constant, rows, through_rows).addcmul_(gradient, slope)
        return of_rows, of_weight, of_bias, None


# torch's own kernels for these two are private: where a torch has them no more, or otherwise, the plain way does.


def _column_statistics(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and variance of every column in float32, Tensor[W * C] each."""
    try:
        unused = torch.zeros(2, rows.shape[1])  # with these, statistics come in float32 whatever the rows are
        mean, variance = torch.batch_norm_update_stats(rows, unused[0], unused[1], 0.0)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        variance, mean = torch.var_mean(rows.float(), 0, correction=0)
    return mean, variance


def _column_gradients(
    gradient: torch.Tensor,
    rows: torch.Tensor,
    weight: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    eps: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the gradients of every column's weight and bias, Tensor[W * C] each."""
    try:
        _, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            *(gradient, rows, weight, mean, variance, None, None), *(False, eps, [False, True, True])
        )
    except (AttributeError, RuntimeError, TypeError, ValueError):
        normalised = (rows.float() - mean) * (variance + eps).rsqrt()
        of_weight, of_bias = (gradient.float() * normalised).sum(0), gradient.float().sum(0)
    return of_weight, of_bias


def _along(rows: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
    """Repeat values of each channel, K Tensor[C], for all places of a row: Tensor[K, W * C]."""
    return torch.stack(values).repeat(1, rows.shape[1] // len(values[0]))


def _merged(means: torch.Tensor, variances: torch.Tensor, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and variance of samples of which those of K parts are known (Chan, Golub and LeVeque, 1979).

    ``means`` and ``variances`` are Tensor[K, C]; ``counts``, Tensor[K, 1], is the samples of each part.
    """
    shares = counts / counts.sum()
    mean = (means * shares).sum(0)
    variance = (variances + (means - mean).square_()).mul_(shares).sum(0)
    return mean, variance
