"""Options from Python and from the command line add up to one configuration."""

from pathlib import Path

import pytest

from audiomnist.config import Config, load, version_path
from audiomnist.errors import ConfigError, UsageError
from audiomnist.experiments.settings import resolve
from audiomnist.experiments.train import train


def test_values_and_text_change_settings_alike() -> None:
    values = resolve("v2", settings={"optim.epochs": 5, "augment.noise_data": ["a"]}, data="fsdd", scheme="speaker")
    texts = resolve("v2", settings=["optim.epochs=5", "augment.noise_data=[a]"], data="fsdd", scheme="speaker")
    assert values == texts
    assert (values.optim.epochs, values.data, values.split.scheme) == (5, "fsdd", "speaker")


def test_a_configuration_may_be_a_file_or_at_hand() -> None:
    path = version_path("v4")
    at_hand = load(path)
    assert resolve(config=path, seed=3) == resolve(config=at_hand, seed=3)
    assert resolve(config=at_hand) == at_hand
    with pytest.raises(UsageError, match="--version and --config"):
        resolve("v2", config=at_hand)


def test_a_setting_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match="no such setting"):
        resolve("v2", settings={"optim.epoch": 5})


@pytest.mark.parametrize(
    ("option", "named"),
    [({"settings": ["seed=1"]}, "--set"), ({"scheme": "speaker"}, "--split"), ({"seed": 0}, "--seed")],
)
def test_a_resumed_run_keeps_its_settings(option: dict[str, object], named: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{named} cannot change them"):
        train(resume=tmp_path, **option)  # type: ignore[arg-type]


def test_nothing_chosen_is_the_default_version() -> None:
    assert resolve() == load(version_path("v2"))
    assert isinstance(resolve(settings={}), Config)
