"""How a trained recogniser does when the sound is worse than what it learned from."""

from audiomnist.evaluation.robustness.sweep import sweep

__all__ = ["sweep"]
