"""What is in a corpus: measured, summed up, and what follows for training."""

from audiomnist.evaluation.analysis.analysis import Analysis, analyze

__all__ = ["Analysis", "analyze"]
