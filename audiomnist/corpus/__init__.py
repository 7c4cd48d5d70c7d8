"""Which clips exist: places, layouts, metadata, validation and splits."""

from audiomnist.corpus.scan import Corpus, scan
from audiomnist.corpus.splits import Split, folds, split
from audiomnist.corpus.targets import Labels, labels

__all__ = ["Corpus", "Labels", "Split", "folds", "labels", "scan", "split"]
