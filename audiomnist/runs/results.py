"""Results of a training, a cross validation or an evaluation: ``metrics.json``, and lines of ``history.jsonl``.

A file of an earlier version, which lacks ``format`` and the newer keys, is read as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean, pstdev
from typing import Any, Literal

from pydantic import Field, computed_field, model_validator

from audiomnist.runs.documents import Count, Document, Nonnegative, Share, Versioned
from audiomnist.runs.scores import Scores


class EpochRecord(Document):
    """The result of an epoch; ``watched`` says which part ``loss`` and ``accuracy`` were measured on."""

    epoch: int = Field(ge=1)
    epochs: int = Field(ge=1)
    train_loss: float
    train_accuracy: Share
    watched: str
    loss: float
    accuracy: Share
    lr: float
    seconds: Nonnegative
    clips_per_second: Nonnegative


class Provenance(Document):
    """What a result is of.

    Attributes
    ----------
    run, version, target, split, data : str
        Folder, configuration, what is recognised, scheme and corpus.
    epochs, epochs_planned : int
        Reached and to be reached by each network.
    audiomnist, torch : str
        Versions that computed it.
    corpus_fingerprint : str or None
        Of the corpus as it was tested; None over the folds of an earlier version.
    n_left_out : int
        Clips of the corpus that cannot be used, or are of classes that the network does not know.
    """

    run: str
    version: str
    target: str
    split: str
    data: str
    seed: int
    epochs: Count
    epochs_planned: int = Field(ge=1)
    device: str
    audiomnist: str
    torch: str
    corpus_fingerprint: str | None = None
    n_left_out: Count = 0

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_version(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "epochs" in values and "epochs_planned" not in values:
            return {**values, "epochs_planned": values["epochs"]}
        return values

    @property
    def is_finished(self) -> bool:
        """Whether training is finished."""
        return self.epochs >= self.epochs_planned


class Tested(Versioned, Scores, Provenance):
    """Scores with what they are of: the part that the results of a run and of a cross validation have in common.

    Attributes
    ----------
    misses : float or None
        Share of the test clips that the network takes for no digit; None if it does not know what that is.
    seconds : float
        The work took.
    """

    misses: float | None = None
    seconds: Nonnegative


class TrainedCorpus(Document):
    """What a corpus gave to a training.

    Attributes
    ----------
    lacks : tuple of str
        Classes of which it has no clip, but another corpus has.
    """

    name: str
    clips: Count
    speakers: Count
    lacks: tuple[str, ...] = ()


class NetworkProvenance(Provenance):
    """What the result of a single network is of.

    Attributes
    ----------
    weights : str or None
        SHA-256 of the model file that was tested; None in files of earlier versions.
    own_test : bool
        Whether the clips were the test part of the run's own split.
    held_out : tuple of str or None
        Speakers that only the test part has; None if there is none, or it was another corpus.
    corpora : tuple of TrainedCorpus
        Where the training clips are from; empty for an evaluation and in files of earlier versions.
    n_train, n_parameters, train_seconds
        Of the training; None for an evaluation.
    n_trained_on : int or None
        Tested clips that the network was trained on or chosen by; None if it could not be checked.
    """

    weights: str | None = None
    own_test: bool
    held_out: tuple[str, ...] | None = None
    corpora: tuple[TrainedCorpus, ...] = ()
    n_train: Count | None = None
    n_parameters: Count | None = None
    train_seconds: Nonnegative | None = None
    n_trained_on: Count | None = 0


class Result(Tested, NetworkProvenance):
    """The result of a training or an evaluation.

    Attributes
    ----------
    n_cut : int or None
        Tested clips that are longer than the window; None in files of earlier versions.
    """

    n_cut: Count | None = None

    @property
    def unseen_speakers(self) -> tuple[str, ...]:
        """Tested speakers that the network was not trained on, as far as the split says."""
        return self.held_out or ()

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_result(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "own_test" not in values:
            return {**values, "own_test": "n_trained_on" not in values}
        return values


class Fold(Document):
    """One fold of a cross validation."""

    fold: Count
    held_out: tuple[str, ...] | None
    accuracy: Share
    loss: Nonnegative
    n_test: int = Field(ge=1)
    seconds: Nonnegative


class Misclassified(Document):
    """A clip whose prediction is not its label.

    Attributes
    ----------
    probability, label_probability : float
        What the network gives its own prediction, and the label.
    voice : str
        ``known`` if the network was trained on other clips of the speaker, else ``unseen``.
    """

    path: str
    label: str
    prediction: str
    probability: Share
    label_probability: Share
    speaker: str
    voice: Literal["known", "unseen"]


class Suspects(Document):
    """Clips whose label looks wrong: how many, the first of them, and the files that list all.

    Attributes
    ----------
    unseen_voices : int
        Clips that were judged by a network that had never been trained on their speaker.
    """

    count: Count
    unseen_voices: Count
    first: tuple[Misclassified, ...]
    files: dict[str, str]


class CrossValidation(Tested):
    """All folds together; the scores are over all out-of-fold predictions, each clip tested once."""

    folds: tuple[Fold, ...] = Field(min_length=1)
    suspects: Suspects | None = None

    @property
    def unseen_speakers(self) -> tuple[str, ...]:
        """Tested speakers that the network of their fold was not trained on."""
        return tuple(speaker for fold in self.folds for speaker in fold.held_out or ())

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accuracy_mean(self) -> float:
        """Mean over folds."""
        return fmean(fold.accuracy for fold in self.folds)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accuracy_std(self) -> float:
        """Standard deviation over folds."""
        return pstdev(fold.accuracy for fold in self.folds)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def loss_mean(self) -> float:
        """Mean over folds, nats."""
        return fmean(fold.loss for fold in self.folds)


class Evaluations(Versioned):
    """One network tested on several corpora."""

    corpora: tuple[Result, ...] = Field(min_length=1)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accuracy_mean(self) -> float:
        """Mean over corpora."""
        return fmean(result.accuracy for result in self.corpora)
