"""Which clips exist: places, layouts, metadata, splits, and speech made on the spot."""

from audiomnist.corpus.scan import Corpus, scan
from audiomnist.corpus.splits import Split, folds, split

__all__ = ["Corpus", "Split", "folds", "scan", "split"]
