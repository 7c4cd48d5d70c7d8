"""The configuration that options add up to, or that of a run to go on with or to repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from audiomnist.config import Config, from_settings, read_settings
from audiomnist.errors import DataError, UsageError
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.record import Kind
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

    Raises UsageError if both a version and a configuration are named.
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
    file = config or version_path(version or DEFAULT_VERSION)
    return from_settings(read_settings(file), str(file), changes, given)


def configured(
    verb: Kind, resume: Path | None, like: Path | None, run: Path | None, version: str | None, options: Options
) -> tuple[Config, RunFolder | None]:
    """Return the configuration that options add up to, or that of a run to go on with or to repeat, and that run.

    Raises
    ------
    UsageError
        If there are settings beside a run, which has its own.
    DataError
        If it is no run of this verb.
    """
    path = resume or like
    if path is None:
        return resolve(version, **options), None
    given: dict[str, object] = {"version": version, "run": run, **options}
    allowed = () if resume else ("run", "data")
    option_of = {"settings": "set", "scheme": "split", "start": "from"}
    named = [
        f"--{option_of.get(name, name).replace('_', '-')}"
        for name, value in given.items()
        if name not in allowed and value not in (None, [])
    ]
    if named:
        what = "a resumed run keeps its settings" if resume else "a repeated run has the settings of the first"
        raise UsageError(
            f"{what}; {', '.join(named)} cannot change them",
            "leave them out, or start a new run",
        )
    folder = RunFolder.open(path)
    if folder.kind != verb:
        if folder.kind == "evaluation":
            raise DataError(f"{path} is an evaluation", "name a run; list the runs with: audiomnist runs")
        what = "a cross validation" if folder.is_cross_validation else "a training run"
        raise DataError(f"{path} is {what}", f"resume it with: {folder.resume_command}")
    config = folder.load_config()
    data = options.get("data")
    return config if data is None else config.model_copy(update={"data": data}), folder


def run_classes(run: RunFolder | None) -> tuple[str, ...] | None:
    """Return what the networks of a run tell apart, None if it is new, or of an earlier version that wrote none yet."""
    if run is None:
        return None
    if record := run.record:
        return record.classes
    import torch

    from audiomnist.training.checkpoint import load_model

    models = [one.model for one in (run, *run.folds) if one.model.exists()]
    return load_model(models[0], torch.device("cpu")).classes if models else None
