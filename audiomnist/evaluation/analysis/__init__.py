"""What is in a corpus, and what follows for training: figures of every clip, pictures of some, one page."""

from audiomnist.evaluation.analysis.analysis import Analysis, analyze

__all__ = ["Analysis", "analyze"]
