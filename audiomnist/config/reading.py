"""Reading configurations; everything that is wrong with one is reported at once."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from audiomnist.config.schema import Config, Settings, is_group
from audiomnist.errors import ConfigError, did_you_mean


def read_text(path: Path) -> str:
    """Return the text of a configuration file; raise ConfigError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or 'not a text file'}",
            "name a YAML file; 'audiomnist config copy v2 mine.yaml' makes one to start from",
        ) from error


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings of a YAML file as they stand there; raise ConfigError if it cannot be read."""
    text = read_text(path)
    try:
        settings = yaml.load(text, _UniqueKeys)
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply", "write settings in groups of one level") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise ConfigError(f"{where}: {getattr(error, 'problem', error)}", "correct the YAML there") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: not a mapping of settings", "write lines such as 'seed: 0'")
    return settings


def load(path: Path, changes: Iterable[str] = ()) -> Config:
    """Read a YAML file and change settings of it, as ``from_settings`` does."""
    return from_settings(read_settings(path), str(path), changes)


def from_settings(
    settings: Mapping[str, Any], source: str, changes: Iterable[str] = (), overrides: Mapping[str, Any] | None = None
) -> Config:
    """Change plain settings, check them and return them typed.

    Raises ConfigError with every fault of settings and changes.

    Parameters
    ----------
    source : str
        Named in errors.
    changes : iterable of str
        ``KEY=VALUE`` with a dotted key and a YAML value, e.g. ``optim.lr=0.01``; later ones win.
    overrides : mapping, optional
        Values by dotted key, taken as they are; they win over the changes.
    """
    plain = copy.deepcopy(dict(settings))
    faults: list[str] = []
    by_key: dict[str, str] = {}
    for change in changes:
        key, equals, text = (part.strip() for part in change.partition("="))
        by_key[key] = change
        try:
            if not equals or not key:
                raise ValueError("not KEY=VALUE, like optim.lr=0.01")
            _set(plain, key, yaml.safe_load(text))
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            reason = str(error) if isinstance(error, ValueError) else "the value is not YAML; quote it for the shell"
            faults.append(f"--set {change}: {reason}")
    for key, value in (overrides or {}).items():
        try:
            _set(plain, key, value)
        except ValueError as error:
            faults.append(f"{key}: {error}")
    try:
        config = Config.model_validate(plain)
    except ValidationError as error:
        faults += [_describe(fault, by_key) for fault in error.errors()]
    if faults:
        listed = "".join(f"\n  {fault}" for fault in faults)
        raise ConfigError(
            f"{source}: {len(faults)} setting{'s are' if len(faults) > 1 else ' is'} wrong{listed}",
            "see a complete configuration: audiomnist config show v2",
        )
    return config


class _UniqueKeys(yaml.SafeLoader):
    """A loader that refuses keys that are not text, and a key given twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
            if key in seen:
                problem = f"the key '{key}' is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _set(settings: dict[str, Any], key: str, value: Any) -> None:
    *groups, last = key.split(".")
    for depth, name in enumerate(groups):
        if settings.get(name) is None:
            settings[name] = {}
        settings = settings[name]
        if not isinstance(settings, dict):
            raise ValueError(f"'{name}' is a value, not a group; {_known_keys(groups[:depth])}")
    settings[last] = value


def _describe(fault: Any, changes: Mapping[str, str]) -> str:
    location = [str(part) for part in fault["loc"]]
    key = ".".join(location)
    if fault["type"] == "extra_forbidden":
        what = f"no such setting; {did_you_mean(location[-1], _fields(location[:-1])) or _known_keys(location[:-1])}"
    else:
        message = fault["msg"].removeprefix("Value error, ")
        got = "" if isinstance(fault["input"], dict) else f" (got {fault['input']!r})"
        what = f"{message[:1].lower()}{message[1:]}{got}"
    return (f"{key}: {what}" if key else what) + (f", from --set {changes[key]}" if key in changes else "")


def _fields(groups: list[str]) -> list[str]:
    group: type[Settings] = Config
    for name in groups:
        annotation: Any = group.model_fields[name].annotation if name in group.model_fields else None
        if not is_group(annotation):
            return []
        group = annotation
    return list(group.model_fields)


def _known_keys(groups: list[str]) -> str:
    return f"known here: {', '.join(_fields(groups))}"
