"""The loss of clips from several corpora, of which each may lack classes or have many of one."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

SHARE_OF_ALL = 0.3  # of the class frequencies over all corpora in those that a corpus is taken to have
SCARCITY = 2.0  # how strongly classes with fewer clips over all corpora are preferred; 1 makes all equally likely


def log_priors(
    sources: NDArray[np.int64], labels: NDArray[np.int64], clips: NDArray[np.int64], n_classes: int
) -> torch.Tensor | None:
    """Return by how much the logits of each corpus's clips are shifted in training, where a corpus lacks a class.

    A corpus that lacks a class would teach that its voices and microphones never say it. So logits are shifted by the
    logarithm of the class frequencies (logit adjustment: Menon et al., ICLR 2021), twice. The corpus's own frequencies
    are taken out of what the network learns; a class that is missing counts as rare, not as impossible: with it as
    impossible (the loss taken over the other classes only), the corpus's clips are later taken for that class. And the
    classes that are scarce over all corpora get a margin (as in Cao et al., NeurIPS 2019): they were said by fewer
    voices, so the network knows less well how they may sound.

    Parameters
    ----------
    sources, labels : int64 array [n]
        Corpus and class of every clip.
    clips : int64 array [n_train]
        Indices of those that are trained on.

    Returns
    -------
    Tensor[n_sources + 1, n_classes], optional
        The last row, of zeros, is for clips of no corpus. None where no corpus lacks a class.
    """
    counts = class_counts(sources, labels, clips, n_classes)
    if not missing_classes(counts).any():
        return None
    priors = torch.zeros(len(counts) + 1, n_classes)
    everywhere = counts.sum(0) / counts.sum()
    own = counts / counts.sum(1, keepdims=True).clip(1)
    mixed = (1 - SHARE_OF_ALL) * own + SHARE_OF_ALL * everywhere
    known = everywhere > 0
    own_shift = np.log(mixed[:, known] / everywhere[known])
    shift_of_all = SCARCITY * np.log(known.sum() * everywhere[known])
    priors[:-1, known] = torch.from_numpy(own_shift + shift_of_all).float()
    priors[:-1][counts.sum(1) == 0] = 0
    return priors


def class_counts(
    sources: NDArray[np.int64], labels: NDArray[np.int64], clips: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    """Return how many of the clips are of each corpus and class, float64 array [n_sources, n_classes]."""
    counts = np.zeros((int(sources.max()) + 1, n_classes))
    np.add.at(counts, (sources[clips], labels[clips]), 1)
    return counts


def missing_classes(counts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which classes that another corpus has each corpus lacks, bool array [n_sources, n_classes]."""
    missing: NDArray[np.bool_] = (counts == 0) & (counts.sum(0) > 0) & (counts.sum(1, keepdims=True) > 0)
    return missing


def adjusted_loss(
    logits: torch.Tensor, truth: torch.Tensor, log_prior: torch.Tensor | None, label_smoothing: float
) -> torch.Tensor:
    """Return the mean cross entropy of logits shifted by the priors of each clip's corpus.

    What label smoothing takes from the true class goes to the others in the proportions of the shift.

    Parameters
    ----------
    logits : Tensor[B, n_outputs]
        There may be one output more than classes, for none of them.
    truth : Tensor[B]
    log_prior : Tensor[B, n_classes], optional
    """
    if log_prior is None:
        return functional.cross_entropy(logits, truth, label_smoothing=label_smoothing)
    shift = functional.pad(log_prior, (0, logits.shape[1] - log_prior.shape[1]))
    log_probabilities = torch.log_softmax(logits + shift, 1)
    of_truth = log_probabilities.gather(1, truth[:, None])[:, 0]
    smoothed = (torch.softmax(shift, 1) * log_probabilities).sum(1)
    return -((1 - label_smoothing) * of_truth + label_smoothing * smoothed).mean()


def disagreement(logits: torch.Tensor) -> torch.Tensor:
    """Return how differently the two halves of a batch are answered, in nats: the mean Jensen-Shannon divergence.

    From Tensor[2 * B, n_outputs], of which clip i is answered in rows i and B + i. A network that answers a clip alike
    whatever voice, room and noise are put upon it has learned less of these (Sajjadi et al., NeurIPS 2016; with this
    divergence Hendrycks et al., AugMix, ICLR 2020).
    """
    first, second = torch.log_softmax(logits, 1).chunk(2)
    middle = torch.logaddexp(first, second) - math.log(2)
    return torch.cat([(answers.exp() * (answers - middle)).sum(1) for answers in (first, second)]).mean()
