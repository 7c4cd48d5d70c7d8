"""What is in a corpus, as a page."""

from audiomnist.reports.analysis.analysis import Analysis, analyze

__all__ = ["Analysis", "analyze"]
