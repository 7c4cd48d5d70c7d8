"""Methods that say how much each cell of a spectrogram is evidence for a class, by captum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from audiomnist.errors import ConfigError
from audiomnist.page.network import Step, steps_of

Method = Callable[[nn.Module, torch.Tensor, int], torch.Tensor]

_N_STEPS = 32  # from the mean level to the clip
_PATCH = 5  # frames and bands that are hidden at once
_GAMMA, _EPSILON = 0.25, 0.3


def integrated_gradients(network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
    """Return gradients of a logit, averaged on the way from the mean level, times the input.

    From inputs, Tensor[B, C, N, M], to the same shape. Sundararajan, Taly and Yan, "Axiomatic attribution for deep
    networks", ICML 2017.
    """
    from captum.attr import IntegratedGradients

    relevance: torch.Tensor = IntegratedGradients(network).attribute(inputs, target=target, n_steps=_N_STEPS)
    return relevance


def occlusion(network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
    """Return how much a logit falls when patches of frames and bands are hidden; takes and returns the same.

    Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.
    """
    from captum.attr import Occlusion

    patch = (inputs.shape[1], _PATCH, _PATCH)
    relevance: torch.Tensor = Occlusion(network).attribute(
        inputs, patch, patch, target=target, perturbations_per_eval=64
    )
    return relevance


def layerwise_relevance(network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
    """Return a logit shared out backwards, layer by layer, the positive weights counting a quarter more (LRP-gamma).

    Bach et al., "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation",
    PLoS ONE 10(7), 2015; the rule: Montavon et al., "Layer-wise relevance propagation: an overview", 2019.

    Raises ConfigError if the network computes something that has no rule, or its channels differ.
    """
    from captum.attr import LRP

    if inputs.shape[1] > 1:
        raise ConfigError("lrp cannot explain a network whose channels differ (padding noise)", "use --method ig")
    relevance: torch.Tensor = LRP(_Layers(network)).attribute(inputs.clone().requires_grad_(), target=target)
    return relevance


METHODS: dict[str, Method] = {"ig": integrated_gradients, "lrp": layerwise_relevance, "occlusion": occlusion}


class _Layers(nn.Module):
    """A network as captum's LRP must have it: batch normalisation folded in, and each operation a module of its own.

    Of what stands between modules captum sees nothing: relevance would run around a residual block twice, and evenly
    into all places that are averaged.
    """

    def __init__(self, network: nn.Module) -> None:
        from captum.attr._utils.custom_modules import Addition_Module
        from captum.attr._utils.lrp_rules import EpsilonRule, GammaRule

        super().__init__()
        operations = {"relu": nn.ReLU, "add": Addition_Module, "average": lambda: nn.AdaptiveAvgPool2d(1)}
        steps = steps_of(network)
        self.sources = [step.sources for step in steps]
        self.layers = nn.ModuleList()
        for step in steps:
            if step.affine is None and step.operation not in operations:
                raise ConfigError(f"lrp has no rule for {step.operation}", "use --method ig")
            layer = operations[step.operation]() if step.affine is None else _convolution(step)
            if not isinstance(layer, nn.ReLU):
                rule = GammaRule(_GAMMA) if step.affine else EpsilonRule()
                if step.affine:  # a sum near 0, of inputs of both signs, would give them any relevance
                    rule.STABILITY_FACTOR = _EPSILON
                layer.rule = rule
            self.layers.append(layer)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map Tensor[B, 1, N, M] to logits, Tensor[B, n_outputs]."""
        results = [inputs]
        for layer, sources in zip(self.layers, self.sources, strict=True):
            results.append(layer(*(results[source] for source in sources)))
        return results[-1].flatten(1)


def _convolution(step: Step) -> nn.Conv2d:
    assert step.affine is not None
    weight, bias = (torch.from_numpy(values).float() for values in (step.affine.weight, step.affine.bias))
    n_outputs, per_group, *kernel = weight.shape
    layer = nn.Conv2d(
        per_group * step.groups, n_outputs, (kernel[0], kernel[1]), step.stride, step.padding, groups=step.groups
    )
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer
