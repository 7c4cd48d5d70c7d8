"""The settings of an experiment: typed, read from YAML, changed by ``KEY=VALUE``, written back in full."""

from audiomnist.config.reading import from_settings, load, read_settings, read_text
from audiomnist.config.schema import LONGEST_WINDOW_MS, Augment, Config, Features, Model, Optim, Split, Window
from audiomnist.shipped import version_path, versions

__all__ = [
    "LONGEST_WINDOW_MS",
    "Augment",
    "Config",
    "Features",
    "Model",
    "Optim",
    "Split",
    "Window",
    "from_settings",
    "load",
    "read_settings",
    "read_text",
    "version_path",
    "versions",
]
