"""The configuration that options add up to."""

from __future__ import annotations

from pathlib import Path

from audiomnist.config import Config, from_settings, load
from audiomnist.errors import UsageError
from audiomnist.shipped import DEFAULT_VERSION, version_path


def resolve(
    version: str | None,
    config_file: Path | None,
    changes: list[str] | None,
    *,
    data: str | None = None,
    extra_data: list[str] | None = None,
    no_digit_data: list[str] | None = None,
    exclude_file: Path | None = None,
    seed: int | None = None,
    target: str | None = None,
    scheme: str | None = None,
    folds: int | None = None,
    start: str | None = None,
) -> Config:
    """Return the configuration that the options add up to; without a version or file, that of a model to start from.

    Raises
    ------
    UsageError
        If both a version and a file are named.
    """
    if version is not None and config_file is not None:
        raise UsageError("--version and --config both name a configuration", "give one of them")
    shortcuts = {
        "data": data,
        "extra_data": extra_data or None,
        "no_digit.data": no_digit_data or None,
        "exclude_file": exclude_file and str(exclude_file.resolve()),
        "seed": seed,
        "target": target,
        "split.scheme": scheme,
        "split.folds": folds,
    }
    given = {key: value for key, value in shortcuts.items() if value is not None}
    if start is not None:
        from audiomnist.inference.opening import weights_file
        from audiomnist.training.starting import settings_from

        weights = weights_file(start).resolve()
        given["start_from"] = str(weights)
        if version is None and config_file is None:
            return from_settings(settings_from(weights), start, changes or (), given)
    return load(config_file or version_path(version or DEFAULT_VERSION), changes or (), given)
