from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from audiomnist.config import (
    Augment,
    Config,
    Features,
    Optim,
    Split,
    Window,
    from_settings,
    load,
    version_path,
    versions,
)
from audiomnist.errors import ConfigError
from audiomnist.experiments.settings import resolve

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FRACTION = st.floats(0, 1, exclude_min=True, exclude_max=True)


@st.composite
def front_ends(draw: st.DrawFn) -> Features:
    n_fft = 2 * draw(st.integers(32, 8_192))
    return Features(
        sample_rate=draw(st.integers(4_000, 192_000)),
        n_fft=n_fft,
        hop_length=draw(st.integers(max(16, -(-n_fft // 32)), n_fft)),
        n_mels=draw(st.integers(8, 80)),
    )


CONFIGS = st.builds(
    Config,
    version=st.text("abz AZ.-_09\N{LATIN SMALL LETTER E WITH ACUTE}", min_size=1).map(lambda text: f"v{text[:20]}"),
    data=TEXT,
    seed=st.integers(0, 2**31 - 1),
    features=front_ends(),
    window=st.builds(
        Window,
        clip_ms=st.integers(50, 1_000),
        padding=st.sampled_from(["silence", "noise"]),
        channels=st.integers(1, 8),
        top_db=st.floats(1e-3, 200),
    ),
    augment=st.builds(Augment, freq_masks=st.integers(0, 16), mask_fraction=st.floats(0, 1)),
    optim=st.builds(Optim, lr=st.floats(1e-12, 1e3), batch_size=st.integers(2, 65_536), epochs=st.integers(1)),
    split=st.builds(
        Split, scheme=st.sampled_from(["random", "speaker"]), test_fraction=FRACTION, folds=st.integers(2, 100)
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


def refusal(file: Path, text: str, *changes: str) -> ConfigError:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(file, changes)
    assert error.value.hint
    return error.value


def keys(group: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, field in group.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= keys(inner, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found


def flat(settings: dict[str, Any], prefix: str = "") -> set[str]:
    return {
        key
        for name, value in settings.items()
        for key in (flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name})
    }


def test_the_studys_three_versions_are_shipped() -> None:
    assert {"v1", "v2", "v3"} <= versions().keys()


@pytest.mark.parametrize("name", versions())
def test_a_shipped_version_gives_every_setting_that_is_on(name: str) -> None:
    given = flat(yaml.safe_load(version_path(name).read_text()))
    missing = keys(Config) - {"data", "extra_data", "exclude_file", "start_from", "no_digit.misses"} - given
    config = load(version_path(name)).model_dump()
    switched = {key for key in missing if not key.startswith("augment.noise_") or key == "augment.noise_probability"}
    assert not any(config[group][setting] for group, _, setting in (key.partition(".") for key in switched))
    assert given <= keys(Config)


@pytest.mark.parametrize("name", versions())
def test_a_shipped_version_is_named_like_its_file(name: str) -> None:
    first, *_ = version_path(name).read_text().splitlines()
    assert first == f"# audiomnist train --version {name}"
    assert load(version_path(name)).version == name


@pytest.mark.parametrize(
    ("name", "clip_ms", "padding"), [("v1", 1500, "silence"), ("v2", 1000, "silence"), ("v3", 1000, "noise")]
)
def test_the_versions_are_the_studys(name: str, clip_ms: int, padding: str) -> None:
    config = load(version_path(name))
    assert config.features == Features(sample_rate=48_000, n_fft=1024, hop_length=512, n_mels=64)
    assert config.window == Window(clip_ms=clip_ms, padding=padding, channels=2, top_db=80.0)
    assert config.augment == Augment(freq_masks=2, time_masks=2, mask_fraction=0.1)
    assert config.optim.epochs == 10
    assert config.split == Split(scheme="random", test_fraction=0.2, validation_fraction=0.0, folds=5)


def test_an_unknown_version_is_refused_with_known_ones() -> None:
    with pytest.raises(ConfigError, match="no version 'v22'") as error:
        version_path("v22")
    assert "did you mean 'v2'?" in error.value.hint
    assert all(name in error.value.hint for name in versions())


def test_a_file_need_not_say_everything(file: Path) -> None:
    file.write_text("optim:\n  epochs: 3\n")
    assert load(file) == Config(optim=Optim(epochs=3))


def test_an_empty_file_is_all_defaults(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert load(file) == Config()


def test_a_change_wins_over_the_file_and_the_last_wins(file: Path) -> None:
    file.write_text("seed: 1\noptim: {epochs: 3, lr: 0.5}\n")
    config = load(file, ["seed=2", "optim.epochs=4", "seed=3"])
    assert (config.seed, config.optim.epochs, config.optim.lr) == (3, 4, 0.5)


@pytest.mark.parametrize(
    ("change", "value"),
    [("optim.lr=1e-3", 0.001), ("optim.lr=0.001", 0.001), ("optim.lr= 1", 1.0), (" optim.lr =0.5", 0.5)],
)
def test_a_change_takes_numbers_however_they_are_written(file: Path, change: str, value: float) -> None:
    file.write_text("")
    assert load(file, [change]).optim.lr == value


def test_the_corpus_is_that_of_file_environment_or_audiomnist(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("seed: 1\n")
    assert load(file).data == "audiomnist"
    monkeypatch.setenv("AUDIOMNIST_DATA", "fsdd")
    assert load(file).data == "fsdd"
    file.write_text("data: synthetic\n")
    assert load(file).data == "synthetic"


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("sed", "sed: no such setting; did you mean 'seed'?"),
        ("optm.lr", "optm: no such setting; did you mean 'optim'?"),
        ("optim.lrr", "optim.lrr: no such setting; did you mean 'lr'?"),
        ("features.sample_rte", "features.sample_rte: no such setting; did you mean 'sample_rate'?"),
        ("window.clip_sm", "window.clip_sm: no such setting; did you mean 'clip_ms'?"),
        ("augment.freq_mask", "augment.freq_mask: no such setting; did you mean 'freq_masks'?"),
        ("split.schema", "split.schema: no such setting; did you mean 'scheme'?"),
        ("model.nam", "model.nam: no such setting; did you mean 'name'?"),
    ],
)
def test_a_mistyped_key_is_refused_with_the_nearest_one(file: Path, key: str, complaint: str) -> None:
    group, _, last = key.rpartition(".")
    assert complaint in refusal(file, f"{group}: {{{last}: 1}}" if group else f"{last}: 1").message
    assert complaint in refusal(file, "", f"{key}=1").message


def test_a_key_like_no_other_is_refused_with_all_known_ones(file: Path) -> None:
    error = refusal(file, "optim: {momentum: 0.9}")
    assert "optim.momentum: no such setting; known here: lr, batch_size, epochs" in error.message


def test_every_fault_is_told_at_once(file: Path) -> None:
    text = "sed: 1\nwindow: {padding: nois}\noptim: {epochs: 0, lr: fast}\nsplit: {test_fraction: 2}\n"
    error = refusal(file, text, "augment.time_masks=-1", "model.nme=cnn4")
    assert error.message.startswith(f"{file}: 7 settings are wrong")
    for key in (
        "sed",
        "window.padding",
        "optim.epochs",
        "optim.lr",
        "split.test_fraction",
        "augment.time_masks",
        "model.nme",
    ):
        assert f"\n  {key}: " in error.message


def test_a_wrong_value_is_shown_with_what_is_allowed(file: Path) -> None:
    message = refusal(file, "window: {padding: nois}\noptim: {epochs: 0}").message
    assert "window.padding: input should be 'silence', 'noise' or 'blank' (got 'nois')" in message
    assert "optim.epochs: input should be greater than or equal to 1 (got 0)" in message


def test_a_hop_longer_than_the_window_is_refused(file: Path) -> None:
    assert "hop_length 512 is longer than n_fft 256" in refusal(file, "features: {n_fft: 256}").message


@pytest.mark.parametrize(
    "change", ["optim.lr=.inf", "optim.lr=.nan", "window.top_db=.inf", "augment.mask_fraction=.nan"]
)
def test_a_setting_is_a_finite_number(file: Path, change: str) -> None:
    assert change.partition("=")[0] in refusal(file, "", change).message


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [("seed: 1\nversion: x\nseed: 2\n", 3, "seed"), ("optim:\n  lr: 1\n  epochs: 2\n  lr: 3\n", 4, "lr")],
)
def test_a_key_given_twice_is_refused_by_line(file: Path, text: str, line: int, key: str) -> None:
    assert refusal(file, text).message == f"{file}:{line}: the key '{key}' is given twice"


@pytest.mark.parametrize(
    ("text", "line"), [("seed: 1\noptim: [1, 2\n", 3), ("seed: 1\n\tlr: 2\n", 2), ("seed: 1\n  lr: 2\n", 2)]
)
def test_broken_yaml_is_refused_by_line(file: Path, text: str, line: int) -> None:
    assert refusal(file, text).message.startswith(f"{file}:{line}: ")


@pytest.mark.parametrize("text", ["- seed: 1\n", "just words\n", "3\n"])
def test_yaml_that_is_no_mapping_is_refused(file: Path, text: str) -> None:
    assert refusal(file, text).message == f"{file}: not a mapping of settings"


@pytest.mark.parametrize("text", ["{{lr}}: 1\n", "? [1, 2]\n: 3\n", "optim:\n  ? {a: 1}\n  : 2\n", "3: 4\n"])
def test_a_key_that_is_no_word_is_refused(file: Path, text: str) -> None:
    assert str(file) in refusal(file, text).message


def test_a_group_without_settings_is_all_defaults(file: Path) -> None:
    file.write_text("optim:\n  # lr: 0.01\nseed: 1\n")
    assert load(file, ["optim.epochs=2"]) == Config(seed=1, optim=Optim(epochs=2))


@pytest.mark.parametrize("make", [Path.mkdir, lambda file: file.write_bytes(b"\xff\xfe\x00"), lambda file: None])
def test_a_file_that_cannot_be_read_is_refused_by_name(file: Path, make: Any) -> None:
    make(file)
    with pytest.raises(ConfigError, match="cannot read") as error:
        load(file)
    assert str(file) in error.value.message
    assert "audiomnist config copy" in error.value.hint


@pytest.mark.parametrize("change", ["optim.lr", "=3", "", "optim.lr=[", "seed.deep=1", "features.n_fft.x=1"])
def test_a_change_that_is_none_is_refused_by_its_own_words(file: Path, change: str) -> None:
    assert f"--set {change}" in refusal(file, "seed: 0\nfeatures: {n_fft: 1024}\n", change).message


def test_every_change_that_is_none_is_told_at_once(file: Path) -> None:
    message = refusal(file, "", "optim.lr", "seed", "sed=1").message
    assert all(part in message for part in ("--set optim.lr", "--set seed", "sed: no such setting"))


@pytest.mark.parametrize("change", ["seed=-1", "optim.lr=fast", "optim=5", "window.padding=nois"])
def test_a_wrong_change_is_shown_as_it_was_given(change: str) -> None:
    """The file is right, or even ours: what must be corrected is on the command line."""
    with pytest.raises(ConfigError) as error:
        load(version_path("v2"), [change])
    assert f"--set {change}" in error.value.message


def test_a_value_for_a_group_is_refused_with_its_keys(file: Path) -> None:
    error = refusal(file, "features: {n_fft: 1024}\n", "features.n_fft.deep.deeper=1")
    assert "'n_fft' is a value" in error.message
    assert "sample_rate" in error.message


def test_an_option_below_a_value_is_refused(file: Path) -> None:
    file.write_text("split: 5\n")
    with pytest.raises(ConfigError, match="split"):
        resolve(config=file, scheme="speaker")


@settings(max_examples=15)
@given(CONFIGS)
def test_a_saved_configuration_loads_as_it_was(tmp_path_factory: pytest.TempPathFactory, config: Config) -> None:
    path = tmp_path_factory.getbasetemp() / "config.yaml"
    config.save(path)
    assert load(path) == config
    assert path.read_text(encoding="utf-8").startswith("# audiomnist train --config ")


@settings(max_examples=25)
@given(CONFIGS)
def test_yaml_says_everything(config: Config) -> None:
    plain = yaml.safe_load(config.to_yaml())
    assert flat(plain) == keys(Config)
    assert from_settings(plain, "yaml") == config


def test_a_configuration_cannot_be_changed() -> None:
    config = Config()
    with pytest.raises(ValidationError):
        config.seed = 1
    with pytest.raises(ValidationError):
        config.optim.lr = 1.0


@pytest.mark.parametrize("setting", ["optim.epochs=true", "optim.lr=false", "seed=true", "features.n_mels=yes"])
def test_true_is_not_a_number(setting: str) -> None:
    with pytest.raises(ConfigError, match="is not one of its values"):
        load(version_path("v2"), [setting])


@pytest.mark.parametrize("version", ["x/../../y", "a\\b", "a\nb", "\x1b[31m", "", " ", "..", "x" * 101])
def test_a_version_that_cannot_name_a_folder_is_refused(version: str) -> None:
    with pytest.raises(ConfigError, match="runs are named after it") as error:
        resolve("v2", settings={"version": version})
    assert "\x1b" not in error.value.message


def test_yaml_too_deep_to_read_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text("[" * 800)
    with pytest.raises(ConfigError, match=r"deep\.yaml: nested too deeply"):
        load(tmp_path / "deep.yaml")
    with pytest.raises(ConfigError, match="not YAML"):
        load(version_path("v2"), ["seed=" + "[" * 800])


def test_no_control_character_of_a_key_is_shown(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text('"\\e[31mred": 1\n')
    with pytest.raises(ConfigError) as error:
        load(tmp_path / "odd.yaml")
    assert "\x1b" not in str(error.value)
