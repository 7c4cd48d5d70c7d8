"""Why a network answers as it does: relevance over the mel spectrogram, and whether that can be believed.

A map of relevance always looks like something. Two checks tell whether it says something of the network: hiding what is
called relevant must lower the probability, and a network of random weights must be explained otherwise (Adebayo et al.,
"Sanity checks for saliency maps", NeurIPS 2018). What is hidden is set to 0, the clip's mean level, as the masks of the
training do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from audiomnist.audio import Samples, resample
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import labels
from audiomnist.errors import ConfigError, UsageError, did_you_mean
from audiomnist.evaluation.relevance import METHODS
from audiomnist.inference.answers import Answer, Label, label
from audiomnist.inference.recognizer import Sound, load
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.progress import Show, unseen
from audiomnist.training.models import build_model

Map = NDArray[np.float32]

N_MOMENTS = 50  # of an average
_HIDDEN_SHARE = 0.1  # of a clip's cells
_N_RANDOM = 10  # places that are hidden
_N_NETWORKS = 3  # of random weights
_LEAST_LOST, _MOST_ALIKE = 0.05, 0.5


@dataclass(frozen=True)
class Checks:
    """Whether a map says something of the network.

    Attributes
    ----------
    probability : float
        Of the class that is explained.
    without_relevant : float
        The same with the most relevant tenth of the clip hidden.
    without_random : float
        ... with a tenth of the same shape somewhere else; mean over ten places.
    random_weights : float
        Spearman's rank correlation with the maps of networks of random weights; mean over three.
    """

    probability: float
    without_relevant: float
    without_random: float
    random_weights: float

    @property
    def hold(self) -> bool:
        """Whether the weights matter, and to the log probability the relevant tenth twice as much as another."""
        lost, lost_elsewhere = np.log(self.probability / np.array([self.without_relevant, self.without_random]))
        return bool(lost > 2 * max(lost_elsewhere, _LEAST_LOST)) and abs(self.random_weights) < _MOST_ALIKE


@dataclass(frozen=True)
class Explanation:
    """What is evidence for a class, and what against it.

    Attributes
    ----------
    relevance : float32 array [N, M]
        Positive for evidence, negative against it, over the clip's own frames.
    """

    label: Label
    relevance: Map
    checks: Checks


@dataclass(frozen=True)
class Explained:
    """A recording as the network sees it, and why it answers as it does.

    Attributes
    ----------
    samples : float32 array [L]
        At the model's sample rate.
    spectrogram : float32 array [N, M]
        The network's input over the clip's own frames.
    first_s : float
        When the first of them is, in seconds after the beginning of the recording.
    explanations : tuple of Explanation
        For the likeliest class, and for those that were asked for.
    """

    answer: Answer
    samples: Samples
    spectrogram: Map
    first_s: float
    explanations: tuple[Explanation, ...]


@dataclass(frozen=True)
class Average(Explanation):
    """The mean explanation of a class over several clips of it, all stretched to the same length.

    Attributes
    ----------
    spectrogram : float32 array [N_MOMENTS, M]
        Their mean as well.
    """

    n_clips: int
    spectrogram: Map


class Explainer:
    """Explains the answers of a recogniser.

    Parameters
    ----------
    method : str
        A name in ``METHODS``.

    Raises
    ------
    ConfigError
        If captum is not installed.
    UsageError
        If there is no such method.
    """

    def __init__(self, recognizer: TorchRecognizer, method: str) -> None:
        if method not in METHODS:
            raise UsageError(f"--method {method}: no such method", f"give one of {', '.join(METHODS)}")
        try:
            import captum  # noqa: F401
        except ImportError as error:
            raise ConfigError("explain needs the package captum", "pip install 'audiomnist[explain]'") from error
        self.recognizer, self._method = recognizer, METHODS[method]
        model = recognizer.model
        seeds = (model.config.seed + 1 + number for number in range(_N_NETWORKS))
        configs = [model.config.model_copy(update={"seed": seed}) for seed in seeds]
        self._random_networks = [build_model(one, len(model.classes)).to(recognizer.device).eval() for one in configs]
        self.labels = tuple(label(name) for name in model.classes)

    def explain(self, sound: Sound, sample_rate: int | None = None, classes: Sequence[Label] = ()) -> Explained:
        """Explain the answer to a recording.

        Parameters
        ----------
        sound, sample_rate
            As a recogniser takes them.
        classes : sequence
            Explain these as well.

        Raises
        ------
        DataError
            If the recording cannot be read.
        UsageError
            If the model has no such class.
        """
        recognizer, features = self.recognizer, self.recognizer.model.config.features
        samples, rate = load(sound, sample_rate)
        waveform = resample(samples, rate, features.sample_rate)
        (answer,) = recognizer.answering.answers(recognizer.logits([waveform]), [len(samples) / rate])
        likeliest = max(answer.probabilities, key=answer.probabilities.__getitem__)
        seen = recognizer.seen([waveform])
        own = torch.nonzero(seen.inside[0])[:, 0]
        frames = slice(int(own[0]), int(own[-1]) + 1)
        return Explained(
            answer,
            waveform,
            seen.inputs[0, 0, frames].cpu().numpy(),
            float(seen.first_s[0]) + frames.start * features.hop_length / features.sample_rate,
            tuple(self._explanation(seen.inputs, frames, one) for one in dict.fromkeys((likeliest, *classes))),
        )

    def averages(self, corpus: Corpus, n_clips: int, progress: Show = unseen) -> list[Average]:
        """Explain each class of the model on up to so many clips of it, spread evenly over the corpus."""
        of_clips = labels(corpus, self.recognizer.model.config.target, self.recognizer.model.classes).of_clips
        chosen = [_spread(np.flatnonzero(of_clips == number), n_clips) for number in range(len(self.labels))]
        averages: list[Average] = []
        n_done = 0
        for name, clips in zip(self.labels, chosen, strict=True):
            found: list[tuple[Map, Explanation]] = []
            for clip in clips.tolist():
                explained = self.explain(corpus.file(clip), classes=(name,))
                found.append((explained.spectrogram, next(o for o in explained.explanations if o.label == name)))
                n_done += 1
                progress(n_done, sum(map(len, chosen)))
            if found:
                averages.append(_average(name, found))
        return averages

    def _explanation(self, inputs: torch.Tensor, frames: slice, name: Label) -> Explanation:
        target = self._number(name)
        relevance = self._relevance(self.recognizer.model.network, inputs, target)[frames]
        likeness = [
            _rank_correlation(relevance, self._relevance(network, inputs, target)[frames])
            for network in self._random_networks
        ]
        relevant = _highest(relevance)
        hidden = torch.stack([torch.zeros_like(relevant), relevant, *_elsewhere(relevant)])  # (2 + _N_RANDOM, N, M)
        changed = inputs.repeat(len(hidden), 1, 1, 1)
        changed[:, :, frames].masked_fill_(hidden[:, None], 0.0)
        probability, without_relevant, *without_random = self._probabilities(changed)[:, target].tolist()
        checks = Checks(probability, without_relevant, float(np.mean(without_random)), float(np.mean(likeness)))
        return Explanation(name, relevance.cpu().numpy(), checks)

    def _number(self, name: Label) -> int:
        if name not in self.labels:
            known = ", ".join(map(str, self.labels))
            raise UsageError(
                f"--digit {name}: not a class of this model",
                did_you_mean(str(name), map(str, self.labels)) or f"it has {known}",
            )
        return self.labels.index(name)

    def _relevance(self, network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
        """Return the relevance of every cell, of all channels together: Tensor[N, M]."""
        return self._method(network, inputs, target).detach().float()[0].sum(0)

    @torch.no_grad()
    def _probabilities(self, inputs: torch.Tensor) -> NDArray[np.float64]:
        return self.recognizer.answering.probabilities(self.recognizer.model.network(inputs).cpu().numpy())


def _highest(relevance: torch.Tensor) -> torch.Tensor:
    """Return which tenth of the cells is the most relevant, a bool Tensor[N, M]."""
    n_hidden = max(1, round(_HIDDEN_SHARE * relevance.numel()))
    hidden = torch.zeros(relevance.numel(), dtype=torch.bool, device=relevance.device)
    hidden[relevance.flatten().topk(n_hidden).indices] = True
    return hidden.view(relevance.shape)


def _elsewhere(hidden: torch.Tensor) -> list[torch.Tensor]:
    """Return the same cells, moved around the edges to other places."""
    stream = torch.Generator().manual_seed(0)
    moves = (torch.rand(_N_RANDOM, 2, generator=stream) * torch.tensor(hidden.shape)).long()
    return [torch.roll(hidden, (frames, bands), (0, 1)) for frames, bands in moves.tolist()]


def _rank_correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return Spearman's rank correlation of two maps."""
    ranks = torch.stack([values.flatten().argsort().argsort() for values in (one, other)]).float()
    return float(torch.corrcoef(ranks)[0, 1])


def _spread(clips: NDArray[np.int64], n_clips: int) -> NDArray[np.int64]:
    return clips[np.unique(np.linspace(0, len(clips) - 1, n_clips).astype(int))] if len(clips) else clips


def _average(name: Label, found: Sequence[tuple[Map, Explanation]]) -> Average:
    spectrograms, explanations = zip(*found, strict=True)
    checks = np.mean([list(vars(one.checks).values()) for one in explanations], axis=0)
    relevance = _stretched([one.relevance for one in explanations])
    return Average(name, relevance, Checks(*checks.tolist()), len(found), _stretched(spectrograms))


def _stretched(maps: Sequence[Map]) -> Map:
    """Return the mean of maps [N_i, M], each stretched or compressed to N_MOMENTS."""
    stretched = [
        functional.interpolate(torch.from_numpy(each).T[None], N_MOMENTS, mode="linear", align_corners=True)[0].T
        for each in maps
    ]
    return torch.stack(stretched).mean(0).numpy()
