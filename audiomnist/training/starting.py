"""Starting a training from a trained model in place of random weights: fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from audiomnist.config import Config
from audiomnist.errors import ConfigError
from audiomnist.training.checkpoint import load_model

_RECIPE = {"lr": 0.002, "batch_size": 16, "epochs": 30, "ema": 0.9}  # for some ten to a few hundred clips
_MUST_FIT = ("features", "window", "model")
_HEAD = "classifier."


def settings_from(path: Path) -> dict[str, Any]:
    """Return the settings for going on from a model file: its front end and network, and a short, gentle training.

    The corpora that it was trained with are left out: they need not be there.
    """
    settings = load_model(path, torch.device("cpu")).config.model_dump(mode="json")
    for name in ("data", "extra_data", "exclude_file", "no_digit", "split"):
        del settings[name]
    settings["augment"]["noise_data"] = []
    settings["optim"] |= _RECIPE
    return settings | {"version": f"{settings['version']}-tuned", "start_from": str(path)}


def take_weights(network: nn.Module, config: Config, classes: tuple[str, ...]) -> None:
    """Give a network the weights of the model that its training starts from; a head for other classes stays as it is.

    Raises ConfigError if front end, window or network of the two differ.
    """
    path = Path(config.start_from or "")
    start = load_model(path, torch.device("cpu"))
    unlike = [
        f"{group}.{name}={ours!r} and not {theirs!r}"
        for group in _MUST_FIT
        for (name, ours), (_, theirs) in zip(getattr(config, group), getattr(start.config, group), strict=True)
        if ours != theirs
    ]
    if unlike:
        raise ConfigError(
            f"{path} does not fit: this training has {', '.join(unlike)}",
            "leave out --version and --config to take the model's settings",
        )
    weights = start.network.state_dict()
    own = network.state_dict()
    for name in [name for name in weights if name.startswith(_HEAD)]:
        head = weights.pop(name)
        if classes == start.classes:  # what is no class may have an output in one of them only
            n_shared = min(len(head), len(own[name]))
            own[name][:n_shared] = head[:n_shared]
    network.load_state_dict(own | weights)
