"""The settings of an experiment."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

_SCHEME = re.compile(
    r"random|speaker|manifest|(fsdd|speech-commands)-official|becker(-[0-4])?|becker-gender(-[0-3])?|column:[^=]+(=.+)?"
)

_MOST_OVERLAP = 32  # windows that a sample lies in
_MOST_IN_WINDOW = 2**20  # values that a network sees of a clip, 4 MiB
LONGEST_WINDOW_MS = 60_000


def _as_several(places: Any) -> Any:
    """Return a single place as a list of one, and none as an empty list: how runs were written before."""
    return () if places is None else (places,) if isinstance(places, str) else places


Places = Annotated[tuple[str, ...], BeforeValidator(_as_several)]


def _whole(least: int, most: int) -> BeforeValidator:
    """Return the check of a whole number or ``auto``; left to pydantic, a value has a fault for each of the two."""

    def check(value: Any) -> Any:
        if value != "auto" and not (isinstance(value, int) and least <= value <= most):
            raise ValueError(f"input should be auto, or a whole number from {least:,} to {most:,}")
        return value

    return BeforeValidator(check)


class Settings(BaseModel):
    """A frozen group of settings that takes no key it does not know, and finite numbers only.

    A group that is named but left empty (``optim:``) has its defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_groups(cls, settings: Any) -> Any:
        if not isinstance(settings, dict):
            return settings
        groups = {name for name, field in cls.model_fields.items() if is_group(field.annotation)}
        for key, value in settings.items():
            if isinstance(value, bool) and key in cls.model_fields:
                annotation = cls.model_fields[key].annotation
                if bool not in (annotation, *get_args(annotation)):
                    raise ValueError(f"{key} is {str(value).lower()}, which is not one of its values")
        return {key: value for key, value in settings.items() if value is not None or key not in groups}


def is_group(annotation: Any) -> bool:
    """Return whether a field holds further settings."""
    return isinstance(annotation, type) and issubclass(annotation, Settings)


class Features(Settings):
    """The sound-to-mel front end, computed once per clip. Everything here is part of a store's identity."""

    sample_rate: int = Field(48_000, ge=4_000, le=192_000, description="Hz; clips are resampled to it")
    n_fft: int = Field(1024, ge=64, le=16_384, multiple_of=2, description="samples in a Hann window")
    hop_length: int = Field(512, ge=16, description="samples between frames")
    n_mels: int = Field(64, ge=8, le=512, description="HTK mel bands up to half the sample rate")
    lowest_hz: float = Field(
        0.0, ge=0, description="where the bands begin; above 0 a clip's offset is removed with everything below"
    )

    @model_validator(mode="after")
    def _hop_within_window(self) -> "Features":
        if self.hop_length > self.n_fft:
            raise ValueError(f"hop_length {self.hop_length} is longer than n_fft {self.n_fft}")
        if self.n_fft > _MOST_OVERLAP * self.hop_length:
            raise ValueError(f"hop_length {self.hop_length} is less than n_fft {self.n_fft} / {_MOST_OVERLAP}")
        if 4 * self.lowest_hz > self.sample_rate:
            raise ValueError(f"lowest_hz {self.lowest_hz:g} is above a quarter of the sample rate")
        return self


class Window(Settings):
    """The stretch of time that the network sees."""

    clip_ms: Annotated[int | Literal["auto"], _whole(50, LONGEST_WINDOW_MS)] = Field(
        1000, description="milliseconds, longer clips are cut; auto keeps 99 % of the training clips whole"
    )
    padding: Literal["silence", "noise", "blank"] = Field(
        "silence", description="what surrounds a shorter clip; blank does not count in normalising"
    )
    trim_db: float = Field(
        0.0, ge=0, le=120, description="frames this far below the loudest (treble raised) are cut off; 0 cuts nothing"
    )
    trim_snr_db: float = Field(
        0.0, ge=0, le=60, description="with trim_db: so are frames less than this above the background; 0 is without"
    )
    channels: int = Field(2, ge=1, le=8, description="a mono clip is repeated")
    top_db: float = Field(80.0, gt=0, description="dynamic range below the loudest bin, dB")


class Augment(Settings):
    """Changes made to training clips only."""

    freq_masks: int = Field(2, ge=0, le=16)
    time_masks: int = Field(2, ge=0, le=16)
    mask_fraction: float = Field(0.1, ge=0, le=1, description="largest share of an axis that one mask covers")
    stretch: float = Field(0.0, ge=0, le=1, description="0.25: up to a quarter faster or slower")
    margin_ms: float = Field(
        0.0, ge=0, le=5_000, description="450: up to so much around a trimmed word is kept, as where a room is loud"
    )
    warp: float = Field(0.0, ge=0, le=1, description="0.2: vocal tract up to a fifth longer or shorter")
    tilt_db: float = Field(0.0, ge=0, le=60, description="largest change of the spectrum's ends, dB")
    equaliser_db: float = Field(0.0, ge=0, le=60, description="height of a random smooth curve over the bands, dB")
    band_limit_probability: float = Field(0.0, ge=0, le=1, description="of losing the treble, as on a telephone")
    noise_probability: float = Field(0.0, ge=0, le=1)
    noise_below_peak_db: tuple[float, float] = Field((50.0, 5.0), description="quietest and loudest noise, dB")
    noise_data: Places = Field((), description="recordings of noise: folders, sound files or manifests")
    babble: bool = Field(False, description="add a noise of six training clips at once")
    noise_tilt_db: float = Field(15.0, ge=0, le=60, description="largest change of the ends of its spectrum, dB")
    reverberation_probability: float = Field(0.0, ge=0, le=1, description="of a room that rings for 0.1 to 1 s")
    overdrive_probability: float = Field(0.0, ge=0, le=1, description="of clipped peaks, hardly to hard")

    @property
    def changes(self) -> bool:
        """Whether voice or room are changed at all."""
        probabilities = (
            self.band_limit_probability,
            self.noise_probability,
            self.reverberation_probability,
            self.overdrive_probability,
        )
        return any((self.stretch, self.margin_ms, self.warp, self.tilt_db, self.equaliser_db, *probabilities))


class Model(Settings):
    """The network."""

    name: Literal["cnn4", "resnet", "dsnet"] = "cnn4"
    widths: tuple[Annotated[int, Field(ge=4, le=1024)], ...] = Field(
        (8, 16, 32, 64), min_length=2, max_length=6, description="channels of each stage; every stage halves the map"
    )


class Optim(Settings):
    """AdamW (without weight decay it is Adam) under a one-cycle schedule with linear annealing."""

    lr: float = Field(0.001, gt=0, description="peak learning rate")
    batch_size: Annotated[int | Literal["auto"], _whole(2, 65_536)] = Field(
        16, description="clips; auto is 64, or 128 or 256 where an epoch has 80 steps of them, with lr scaled"
    )
    epochs: int = Field(10, ge=1)
    weight_decay: float = Field(0.0, ge=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    consistency: float = Field(
        0.0, ge=0, description="how much it costs to answer two changed copies of a clip differently; 0 is one copy"
    )
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the averaged weights that are tested; 0 is no averaging")


class Split(Settings):
    """Who is trained on and who is tested."""

    scheme: str = Field(
        "random",
        description="random, speaker, becker-0..4, becker-gender-0..3, fsdd-official, speech-commands-official, "
        "manifest or column:NAME=VALUE; "
        "for folds random, speaker, becker, becker-gender or column:NAME",
    )
    test_fraction: float = Field(0.2, gt=0, lt=1)
    validation_fraction: float = Field(0.0, ge=0, lt=1, description="part of the training clips set aside")
    folds: int = Field(5, ge=2, description="parts of a cross validation by random or speaker")

    @field_validator("scheme")
    @classmethod
    def _known_scheme(cls, scheme: str) -> str:
        if not _SCHEME.fullmatch(scheme):
            raise ValueError(f"no such scheme; known: {cls.model_fields['scheme'].description}")
        return scheme


class NoDigit(Settings):
    """Recognising that no digit was said."""

    data: Places = Field((), description="other words, noises and silence: folders, sound files or manifests")
    misses: float = Field(0.05, ge=0, le=0.5, description="share of the validation digits that the threshold may miss")


class Config(Settings):
    """All settings of an experiment."""

    version: str = "custom"
    data: str = Field(default_factory=lambda: os.environ.get("AUDIOMNIST_DATA", "audiomnist"))
    extra_data: Places = Field((), description="further corpora, for training only")
    start_from: str | None = Field(None, description="model file whose weights training starts from")
    target: str = Field("digit", description="what is recognised: digit, speaker, or a column such as gender")
    exclude_file: str | None = Field(None, description="list of clips of the corpus to leave out")
    seed: int = Field(0, ge=0, lt=2**31)
    checkpoint_minutes: float = Field(10.0, gt=0, description="longest time between two saves of what is trained")
    features: Features = Features()
    window: Window = Window()
    augment: Augment = Augment()
    model: Model = Model()
    optim: Optim = Optim()
    split: Split = Split()
    no_digit: NoDigit = NoDigit()

    @field_validator("version")
    @classmethod
    def _fit_for_a_folders_name(cls, version: str) -> str:
        if not version.isprintable() or set(version) & set("/\\") or not version.strip(" .") or len(version) > 100:
            raise ValueError("runs are named after it: give printable text without slashes")
        return version

    @model_validator(mode="after")
    def _window_within_memory(self) -> "Config":
        clip_ms = 0 if self.window.clip_ms == "auto" else self.window.clip_ms
        n_frames = clip_ms * self.features.sample_rate // (1000 * self.features.hop_length) + 1
        if n_frames * self.features.n_mels > _MOST_IN_WINDOW:
            raise ValueError(
                f"a window of {n_frames:,} frames of {self.features.n_mels} bands: at most {_MOST_IN_WINDOW:,} values"
            )
        return self

    @property
    def places(self) -> tuple[str, ...]:
        """Where all recordings of a training are from, each place once."""
        return tuple(dict.fromkeys((self.data, *self.extra_data, *self.no_digit.data, *self.augment.noise_data)))

    def with_places(self, change: Callable[[Iterable[str]], Iterable[str]]) -> "Config":
        """Return the settings with other places, which ``change`` makes of each setting's own."""
        (data,) = change((self.data,))
        return self.model_copy(
            update={
                "data": data,
                "extra_data": tuple(change(self.extra_data)),
                "augment": self.augment.model_copy(update={"noise_data": tuple(change(self.augment.noise_data))}),
                "no_digit": self.no_digit.model_copy(update={"data": tuple(change(self.no_digit.data))}),
            }
        )

    def to_yaml(self) -> str:
        """Return the settings in full as YAML, in the order of their definition."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    def save(self, path: Path) -> None:
        """Write the settings to ``path``."""
        path.write_text(f"# audiomnist train --config config.yaml\n{self.to_yaml()}", encoding="utf-8")
