"""The settings of an experiment: typed, read from YAML, changed by ``KEY=VALUE``, written back in full."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from audiomnist.errors import ConfigError, did_you_mean
from audiomnist.files import write_text


class Settings(BaseModel):
    """A frozen group of settings that takes no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Features(Settings):
    """The sound-to-mel front end, computed once per clip. Everything here is part of a store's identity."""

    sample_rate: int = Field(48_000, ge=4_000, le=192_000, description="Hz; clips are resampled to it")
    n_fft: int = Field(1024, ge=64, le=16_384, multiple_of=2, description="samples in a Hann window")
    hop_length: int = Field(512, ge=16, description="samples between frames")
    n_mels: int = Field(64, ge=8, le=512, description="HTK mel bands from 0 Hz to half the sample rate")

    @model_validator(mode="after")
    def _hop_within_window(self) -> "Features":
        if self.hop_length > self.n_fft:
            raise ValueError(f"hop_length {self.hop_length} is longer than n_fft {self.n_fft}")
        return self


class Window(Settings):
    """The stretch of time that the network sees."""

    clip_ms: int = Field(1000, ge=50, le=60_000, description="milliseconds; longer clips are cut")
    padding: Literal["silence", "noise"] = Field("silence", description="what surrounds a shorter clip")
    channels: int = Field(2, ge=1, le=8, description="a mono clip is repeated")
    top_db: float = Field(80.0, gt=0, description="dynamic range below the loudest bin, dB")


class Augment(Settings):
    """Changes made to training clips only."""

    freq_masks: int = Field(2, ge=0, le=16)
    time_masks: int = Field(2, ge=0, le=16)
    mask_fraction: float = Field(0.1, ge=0, le=1, description="most of an axis one mask covers")


class Model(Settings):
    """The network."""

    name: Literal["cnn4"] = "cnn4"


class Optim(Settings):
    """Adam under a one-cycle schedule with linear annealing."""

    lr: float = Field(0.001, gt=0, description="peak learning rate")
    batch_size: int = Field(16, ge=2)
    epochs: int = Field(10, ge=1)


class Split(Settings):
    """Who is trained on and who is tested."""

    scheme: Literal["random", "speaker"] = "random"
    test_fraction: float = Field(0.2, gt=0, lt=1)
    validation_fraction: float = Field(0.0, ge=0, lt=1, description="part of the training clips set aside")
    folds: int = Field(5, ge=2, description="parts of a cross validation")


class Config(Settings):
    """All settings of an experiment."""

    version: str = "custom"
    data: str = Field(default_factory=lambda: os.environ.get("AUDIOMNIST_DATA", "audiomnist"))
    seed: int = Field(0, ge=0, lt=2**31)
    features: Features = Features()
    window: Window = Window()
    augment: Augment = Augment()
    model: Model = Model()
    optim: Optim = Optim()
    split: Split = Split()

    def to_yaml(self) -> str:
        """Return the settings in full as YAML, in the order of their definition."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    def save(self, path: Path) -> None:
        """Write the settings to ``path``."""
        write_text(path, f"# audiomnist train --config {path.name}\n{self.to_yaml()}")


def versions() -> dict[str, Path]:
    """Return the configurations that ship with the package, by name."""
    inside = Path(__file__).parent / "configs"
    folder = inside if inside.is_dir() else Path(__file__).parents[1] / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def version_path(name: str) -> Path:
    """Return the file of a shipped version; raise ConfigError if there is none of that name."""
    known = versions()
    if name not in known:
        guess = did_you_mean(name, known)
        raise ConfigError(
            f"there is no version '{name}'",
            f"{guess + ' ' if guess else ''}known: {', '.join(known)}; a file of your own goes with --config FILE",
        )
    return known[name]


def load(path: Path, changes: Iterable[str] = ()) -> Config:
    """Read a configuration file and apply ``KEY=VALUE`` changes.

    Parameters
    ----------
    path : Path
        YAML file.
    changes : iterable of str
        Dotted keys with YAML values, e.g. ``optim.lr=0.01``; later ones win.

    Raises
    ------
    ConfigError
        With every fault of the file and the changes at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or 'not a text file'}",
            "name a YAML file; 'audiomnist config copy v2 mine.yaml' makes one to start from",
        ) from error
    settings = _parse_yaml(text, str(path))
    for change in changes:
        _apply(settings, change)
    return from_settings(settings, str(path))


def from_settings(settings: Mapping[str, Any], source: str) -> Config:
    """Check plain settings and return them typed; ``source`` is named in errors."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        faults = [_describe(fault) for fault in error.errors()]
        raise ConfigError(
            f"{source}: {len(faults)} setting{'s' if len(faults) > 1 else ''} wrong\n"
            + "\n".join(f"  {fault}" for fault in faults),
            "'audiomnist config show v2' prints a configuration in full",
        ) from error


class _UniqueKeys(yaml.SafeLoader):
    """A loader that refuses a key given twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _parse_yaml(text: str, source: str) -> dict[str, Any]:
    try:
        settings = yaml.load(text, _UniqueKeys)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        raise ConfigError(f"{where}: {getattr(error, 'problem', error)}", "mend the YAML there") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{source}: not a mapping of settings", "write lines such as 'seed: 0'")
    return settings


def _apply(settings: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {change}: not KEY=VALUE", "write it like --set optim.lr=0.01")
    *groups, last = key.strip().split(".")
    for group in groups:
        inner = settings.setdefault(group, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {change}: '{group}' is a value, not a group", _known_keys(groups[:-1]))
        settings = inner
    try:
        settings[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {change}: the value is not YAML", "quote it for the shell") from error


def _describe(fault: Any) -> str:
    location = [str(part) for part in fault["loc"]]
    key = ".".join(location) or "settings"
    if fault["type"] == "extra_forbidden":
        guess = did_you_mean(location[-1], _fields(location[:-1]))
        return f"{key}: no such setting; {guess or _known_keys(location[:-1])}"
    message = fault["msg"].removeprefix("Value error, ")
    got = "" if isinstance(fault["input"], dict) else f" (got {fault['input']!r})"
    return f"{key}: {message[:1].lower()}{message[1:]}{got}"


def _fields(groups: list[str]) -> list[str]:
    group: type[BaseModel] = Config
    for name in groups:
        annotation = group.model_fields[name].annotation if name in group.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        group = annotation
    return list(group.model_fields)


def _known_keys(groups: list[str]) -> str:
    return f"known here: {', '.join(_fields(groups))}"
