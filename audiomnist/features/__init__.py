"""Sound to mel, once per clip."""

from audiomnist.features.prep import prepare
from audiomnist.features.store import FeatureStore

__all__ = ["FeatureStore", "prepare"]
