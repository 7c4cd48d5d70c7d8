"""The configuration that options add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from audiomnist.config import Config, from_settings, load
from audiomnist.errors import UsageError
from audiomnist.shipped import DEFAULT_VERSION, version_path


class Options(TypedDict, total=False):
    """What a configuration is made from; None and an empty list stand for nothing.

    Attributes
    ----------
    config : Config or Path
        A configuration of your own, or its file, in place of a version.
    settings : mapping or sequence of str
        Changes: values by dotted key, such as ``{"optim.epochs": 5}``, or ``KEY=VALUE`` as the command takes them.
    start : str
        A model to start from; it has the settings if neither a version nor a configuration is named.
    """

    config: Config | Path | None
    settings: Mapping[str, Any] | Sequence[str] | None
    data: str | None
    extra_data: Sequence[str] | None
    no_digit_data: Sequence[str] | None
    exclude_file: Path | None
    seed: int | None
    target: str | None
    scheme: str | None
    folds: int | None
    start: str | None


def resolve(version: str | None = None, **options: Unpack[Options]) -> Config:
    """Return the configuration that options add up to.

    Raises
    ------
    UsageError
        If both a version and a configuration are named.
    """
    config, start, settings = options.get("config"), options.get("start"), options.get("settings") or ()
    if version is not None and config is not None:
        raise UsageError("--version and --config both name a configuration", "give one of them")
    exclude_file = options.get("exclude_file")
    shortcuts = {
        "data": options.get("data"),
        "extra_data": options.get("extra_data") or None,
        "no_digit.data": options.get("no_digit_data") or None,
        "exclude_file": exclude_file and str(exclude_file.resolve()),
        "seed": options.get("seed"),
        "target": options.get("target"),
        "split.scheme": options.get("scheme"),
        "split.folds": options.get("folds"),
    }
    by_key, changes = (settings, ()) if isinstance(settings, Mapping) else ({}, settings)
    given = {**by_key, **{key: value for key, value in shortcuts.items() if value is not None}}
    if start is not None:
        from audiomnist.inference.opening import weights_file
        from audiomnist.training.starting import settings_from

        weights = weights_file(start).resolve()
        given["start_from"] = str(weights)
        if version is None and config is None:
            return from_settings(settings_from(weights), start, changes, given)
    if isinstance(config, Config):
        return from_settings(config.model_dump(mode="json"), "the configuration", changes, given)
    return load(config or version_path(version or DEFAULT_VERSION), changes, given)
