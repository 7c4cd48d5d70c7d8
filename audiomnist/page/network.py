"""A trained network as a short list of steps that a browser computes, batch normalisation folded into them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn
from torch.nn import functional

from audiomnist.errors import ConfigError
from audiomnist.training.models import pooled

_STEPS = 32_767  # of the whole numbers that stand for the weights of one output

_FUNCTIONS: dict[Callable[..., Any], str] = {operator.add: "add", functional.relu: "relu", pooled: "average"}


@dataclass
class Affine:
    """What a step multiplies and adds.

    Attributes
    ----------
    weight : float64 array [n_outputs, n_inputs / groups, height, width]
    bias : float64 array [n_outputs]
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]


@dataclass
class Step:
    """One operation on maps ``[height, width, channels]``.

    Attributes
    ----------
    sources : list of int
        Numbers of the steps whose results it takes; 0 is the network's input.
    """

    operation: str
    sources: list[int]
    affine: Affine | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1


def described(step: Step) -> dict[str, object]:
    """Return a step without its weights, as it is written into the page."""
    known: dict[str, object] = {"operation": step.operation, "sources": step.sources}
    if step.affine is not None:
        n_outputs, per_group, *kernel = step.affine.weight.shape
        known |= {"inputs": per_group * step.groups, "outputs": n_outputs, "kernel": kernel}
        known |= {"stride": step.stride, "padding": step.padding, "groups": step.groups}
    return known


def whole_weights(steps: Sequence[Step]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return all weights as whole numbers, and for each step the size of one of them and the bias of each output.

    Whole numbers of 16 bits, whose unit each output has for itself, take half the room of float32 and are nearer to
    it than float16.
    """
    whole, constants = [], []
    for step in steps:
        if step.affine is None:
            continue
        weight, bias = step.affine.weight, step.affine.bias
        unit = np.maximum(np.abs(weight).max((1, 2, 3)), 1e-30) / _STEPS
        rounded = np.rint(weight / unit[:, None, None, None]).astype(np.int16)
        by_group = rounded.reshape(step.groups, -1, *weight.shape[1:])
        whole.append(by_group.transpose(3, 4, 0, 2, 1).ravel())  # height, width, inputs, outputs of a group
        constants += [unit, bias]
    return np.concatenate(whole), np.concatenate(constants).astype(np.float32)


def steps_of(network: nn.Module) -> list[Step]:
    """Follow a network's input to its logits, which the last step gives.

    A channel that is repeated is one channel; the first convolution's filters are summed over their inputs.

    Raises ConfigError if it does something that the page can't.
    """
    network = network.eval()
    graph = _Tracer(autowrap_functions=(pooled,)).trace(network)
    modules = dict(network.named_modules())
    found: list[Step] = []
    numbers: dict[fx.Node, int] = {}
    for node in graph.nodes:
        sources = [numbers[source] for source in node.all_input_nodes]
        if node.op == "placeholder":
            numbers[node] = 0
        elif node.op == "call_module":
            numbers[node] = _add_module(found, modules[node.target], sources, node)
        elif node.op == "call_function" and node.target in _FUNCTIONS:
            numbers[node] = _add(found, Step(_FUNCTIONS[node.target], sources))
        elif node.op != "output":
            raise _unknown(str(node.target))
    return found


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        layers = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
        return isinstance(module, layers) or super().is_leaf_module(module, qualified_name)


def _add_module(found: list[Step], module: nn.Module, sources: list[int], node: fx.Node) -> int:
    if isinstance(module, nn.Conv2d):
        return _add(found, _convolution(module, sources))
    if isinstance(module, nn.Linear):
        return _add(found, Step("convolve", sources, Affine(_array(module.weight)[..., None, None], _bias(module))))
    if isinstance(module, nn.BatchNorm2d):
        return _add_norm(found, module, sources, node)
    if isinstance(module, nn.ReLU):
        return _add(found, Step("relu", sources))
    raise _unknown(type(module).__name__)


def _convolution(module: nn.Conv2d, sources: list[int]) -> Step:
    assert not isinstance(module.padding, str)
    weight = _array(module.weight)
    if sources == [0]:
        weight = weight.sum(1, keepdims=True)
    (stride_y, stride_x), (pad_y, pad_x) = module.stride, module.padding
    affine = Affine(weight, _bias(module))
    return Step("convolve", sources, affine, (stride_y, stride_x), (pad_y, pad_x), module.groups)


def _add_norm(found: list[Step], module: nn.BatchNorm2d, sources: list[int], node: fx.Node) -> int:
    assert module.running_mean is not None
    assert module.running_var is not None
    scale = _array(module.weight) / np.sqrt(_array(module.running_var) + module.eps)
    shift = _array(module.bias) - _array(module.running_mean) * scale
    before = found[sources[0] - 1] if sources[0] else None
    if before is not None and before.affine is not None and len(node.all_input_nodes[0].users) == 1:
        weight, bias = before.affine.weight, before.affine.bias
        before.affine = Affine(weight * scale[:, None, None, None], bias * scale + shift)
        return sources[0]
    affine = Affine(scale[:, None, None, None], shift)
    return _add(found, Step("convolve", sources, affine, groups=module.num_features))


def _add(found: list[Step], step: Step) -> int:
    """Append a step; return its number."""
    found.append(step)
    return len(found)


def _bias(module: nn.Conv2d | nn.Linear) -> NDArray[np.float64]:
    return np.zeros(len(module.weight)) if module.bias is None else _array(module.bias)


def _array(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().double().numpy()


def _unknown(operation: str) -> ConfigError:
    return ConfigError(f"the page cannot compute {operation}", "export to --format onnx instead")
