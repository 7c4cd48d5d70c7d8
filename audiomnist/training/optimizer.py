"""AdamW under a one-cycle schedule, and the average of the weights along its way."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.optim.adamw import adamw

_RISING = 0.3  # share of the steps in which the rate rises
_FIRST_RATE, _LAST_RATE = 1 / 25, 1 / 25e4  # of the peak rate
_MOMENTA = 0.95, 0.85  # at the ends of the cycle, and at its peak
_BETA2, _EPSILON = 0.999, 1e-8


class OneCycleAdamW:
    """AdamW (Loshchilov and Hutter, 2019); rate and momentum follow the step's number (Smith and Topin, 2018).

    Over ``total_steps`` it computes what ``torch.optim.AdamW`` with ``OneCycleLR(anneal_strategy="linear")`` does, by
    torch's own kernel. The classes of ``torch.optim`` load torch's compiler when they are first used, which takes as
    long as loading torch.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, peak_lr: float, weight_decay: float, total_steps: int
    ) -> None:
        self._parameters: list[torch.Tensor] = list(parameters)
        self._peak_lr, self._weight_decay, self._total_steps = peak_lr, weight_decay, total_steps
        self._means = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._counts = [torch.zeros((), device=parameter.device) for parameter in self._parameters]
        self.n_steps = 0

    @property
    def lr(self) -> float:
        """Learning rate of the last step."""
        return one_cycle(max(self.n_steps - 1, 0), self._total_steps)[0] * self._peak_lr

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters by their gradients."""
        rate, momentum = one_cycle(self.n_steps, self._total_steps)
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        adamw(
            self._parameters,
            gradients,
            self._means,
            self._squares,
            [],
            self._counts,
            fused=self._counts[0].device.type != "mps",
            amsgrad=False,
            beta1=momentum,
            beta2=_BETA2,
            lr=rate * self._peak_lr,
            weight_decay=self._weight_decay,
            eps=_EPSILON,
            maximize=False,
        )
        self.n_steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return what going on needs."""
        return {"n_steps": self.n_steps, "means": self._means, "squares": self._squares}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.n_steps = state["n_steps"]
        for own, saved in zip([*self._means, *self._squares], [*state["means"], *state["squares"]], strict=True):
            own.copy_(saved)
        for count in self._counts:
            count.fill_(self.n_steps)


class AveragedNetwork:
    """A network whose weights and buffers are the exponential moving average of another's.

    ``decay`` is what is left of the average in each step. torch's ``AveragedModel`` reads a counter back from the
    device in every step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.module = deepcopy(network)
        self._decay = decay
        self._n_steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take a step's weights in."""
        share = 1 - self._decay if self._n_steps else 1.0
        for own, new in zip(_tensors(self.module), _tensors(network), strict=True):
            if own.is_floating_point():
                own.lerp_(new, share)
            else:
                own.copy_(new)
        self._n_steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return what going on needs."""
        return {"n_steps": self._n_steps, "module": self.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._n_steps = state["n_steps"]
        self.module.load_state_dict(state["module"])


def _tensors(network: nn.Module) -> Iterable[torch.Tensor]:
    return (*network.parameters(), *network.buffers())


def one_cycle(step: int, total_steps: int) -> tuple[float, float]:
    """Return the learning rate, as a share of the peak's, and the momentum of a step, counted from 0."""
    peak = _RISING * total_steps - 1
    is_rising = step < peak
    height = step / peak if is_rising else (total_steps - 1 - step) / (total_steps - 1 - peak)
    lowest = _FIRST_RATE if is_rising else _LAST_RATE
    outer, inner = _MOMENTA
    return lowest + (1 - lowest) * height, outer + (inner - outer) * height
