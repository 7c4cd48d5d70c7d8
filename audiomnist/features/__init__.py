"""Sound to mel, once per clip."""

from audiomnist.features.prep import is_prepared, prepare
from audiomnist.features.store import FeatureStore

__all__ = ["FeatureStore", "is_prepared", "prepare"]
