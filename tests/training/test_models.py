import pytest
import torch
from torch.nn import functional

from audiomnist.config import Config
from audiomnist.training.models import Cnn4, Conv, ResidualNet, Stem, build_model


def test_the_studys_network_has_its_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in Cnn4(2, 10, (8, 16, 32, 64)).parameters()) == 25_602


def test_one_channel_for_two_gives_the_same_gradients() -> None:
    network = Cnn4(2, 10, (8, 16, 32, 64))
    mono = torch.randn(6, 1, 94, 64)
    gradients = []
    for inputs in (mono, mono.repeat(1, 2, 1, 1)):
        network.zero_grad()
        network(inputs).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    network.eval()
    torch.testing.assert_close(network(mono), network(mono.repeat(1, 2, 1, 1)), atol=1e-5, rtol=1e-4)
    for folded, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(folded, plain, atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize("n_mels", [63, 64])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_the_stem_is_a_plain_strided_convolution(n_channels: int, n_mels: int) -> None:
    stem = Stem(n_channels, 8)
    ours, plain = (torch.randn(3, n_channels, 47, n_mels).requires_grad_() for _ in range(2))
    plain.data.copy_(ours.data)
    outputs = stem(ours)
    expected = functional.conv2d(plain, stem.weight, stem.bias, stride=2, padding=2)
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-4)
    for result in (outputs, expected):
        result.square().sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("groups", [1, 16])
def test_gradients_of_maps_one_column_wide_are_numbers(groups: int) -> None:
    conv = Conv(16, 16, stride=2, groups=groups)
    for _ in range(20):
        torch.full((5, conv.weight.numel()), float("nan")).clone()  # what is left in memory
        with torch.autocast("cpu", torch.bfloat16):
            outputs = conv(torch.rand(24, 16, 3, 1).contiguous(memory_format=torch.channels_last))
        conv.zero_grad()
        outputs.float().sum().backward()
        assert torch.isfinite(conv.weight.grad).all()


def test_strided_depthwise_filters_run_in_full_precision() -> None:
    conv, inputs = Conv(16, 16, 2, groups=16), torch.randn(4, 16, 21, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = conv(inputs)
    torch.testing.assert_close(outputs, conv(inputs), rtol=0, atol=0)


def test_the_seed_alone_decides_the_first_weights() -> None:
    first, second, other = (build_model(Config(seed=seed), 10).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])


def test_building_a_model_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    build_model(Config(seed=5), 10)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(("separable", "n_parameters"), [(True, 16_906), (False, 117_074)])
def test_a_residual_network_has_its_size_and_takes_any_window(*, separable: bool, n_parameters: int) -> None:
    network = ResidualNet(1, 10, (24, 32, 48, 64), separable=separable).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == n_parameters
    for n_frames in (20, 101, 300):
        assert network(torch.randn(2, 1, n_frames, 64)).shape == (2, 10)
