import pytest
import torch
from torch import nn

from audiomnist.training import norm as norm_module
from audiomnist.training.norm import BatchNorm


def pair(n_channels: int) -> tuple[BatchNorm, nn.BatchNorm2d]:
    ours, theirs = BatchNorm(n_channels), nn.BatchNorm2d(n_channels)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(torch.linspace(0.5, 2, n_channels))
            norm.bias.copy_(torch.linspace(-1, 1, n_channels))
    return ours, theirs


def maps(seed: int, shape: tuple[int, ...] = (6, 8, 9, 7)) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3 + 5


class Gone:
    """A torch without the private operators."""

    class ops:
        aten = None

    def __getattr__(self, name: str) -> object:
        if name == "batch_norm_update_stats":
            raise AttributeError(name)
        return getattr(torch, name)


@pytest.mark.parametrize("n_channels", [8, 16, 20])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("has_private", [True, False])
def test_it_is_torchs_batch_normalisation(
    layout: torch.memory_format, n_channels: int, *, has_private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_private:
        monkeypatch.setattr(norm_module, "torch", Gone())
    norms, shape = pair(n_channels), (6, n_channels, 9, 7)
    inputs = [maps(0, shape).contiguous(memory_format=layout).requires_grad_() for _ in norms]
    outputs = [norm(values) for norm, values in zip(norms, inputs, strict=True)]
    torch.testing.assert_close(*outputs, atol=1e-5, rtol=1e-4)
    for output in outputs:
        (output * maps(1, shape)).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, atol=1e-4, rtol=1e-4)
    for ours, theirs in zip(*(norm.parameters() for norm in norms), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-2, rtol=1e-4)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(*(getattr(norm, name) for norm in norms))
    torch.testing.assert_close(*(norm.eval()(maps(2, shape)) for norm in norms), atol=1e-5, rtol=1e-4)


def test_statistics_of_half_precision_maps_are_full() -> None:
    ours, theirs = pair(8)
    ours(maps(0).bfloat16())
    theirs(maps(0).bfloat16().float())
    torch.testing.assert_close(ours.running_var, theirs.running_var)


def test_inputs_far_from_zero_keep_their_spread() -> None:
    ours, theirs = pair(8)
    torch.testing.assert_close(ours(maps(0) + 1000), theirs(maps(0) + 1000), atol=1e-2, rtol=1e-3)
