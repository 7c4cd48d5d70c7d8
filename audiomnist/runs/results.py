"""What training and testing a network comes to: one typed document per kind, as it is computed, written and read.

``metrics.json``, ``robustness.json`` and ``compare.json`` are dumps of these models; a line of ``history.jsonl`` is an
``EpochRecord``. A file of an earlier version, which lacks ``format`` and the newer keys, is read as well.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, pstdev
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field, model_validator

from audiomnist.errors import DataError
from audiomnist.files import write_text

FORMAT = 1

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Nonnegative = Annotated[float, Field(ge=0)]


class Document(BaseModel):
    """Plain values that do not change; numbers are finite, and keys that are not known are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def plain(self) -> dict[str, Any]:
        """Return the document as JSON has it."""
        return self.model_dump(mode="json")

    def save(self, path: Path) -> None:
        """Write the document as JSON."""
        write_text(path, json.dumps(self.plain(), indent=1, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path, hint: str = "restore the file, or make it anew") -> Self:
        """Read what ``save`` wrote.

        Raises
        ------
        DataError
            Whatever is wrong with the file.
        """
        try:
            return cls.parse(path.read_bytes(), path, hint)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}", hint) from error

    @classmethod
    def parse(cls, text: str | bytes, path: Path, hint: str) -> Self:
        """Read a document from a text that stands in a file; raise DataError if it is none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first, *others = error.errors(include_url=False, include_context=False, include_input=False)
            where = ".".join(map(str, first["loc"]))
            what = f"{where}: {first['msg']}" if where else first["msg"]
            more = f", and {len(others)} more faults" if others else ""
            raise DataError(f"{path}: damaged, or not a file of this program ({what}{more})", hint) from error


class Versioned(Document):
    """A document with a file of its own.

    Attributes
    ----------
    format : int
        Version of the document; files of a later one are refused.
    """

    format: int = Field(FORMAT, ge=1, le=FORMAT)


class EpochRecord(Document):
    """What an epoch came to; ``watched`` says which part ``loss`` and ``accuracy`` were measured on."""

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


class Estimate(Document):
    """An accuracy, and where it may lie.

    Attributes
    ----------
    low, high : float
        Ends of the 95 % interval.
    over : str
        ``speakers``: where the accuracy over further speakers like these may lie. ``clips``: there is one speaker, or
        all do equally well, so it is known only where that of further clips of the same speakers may lie.
    n, n_speakers : int
        Clips and speakers.
    """

    accuracy: Share
    low: Share
    high: Share
    over: Literal["speakers", "clips"]
    n: int = Field(ge=1)
    n_speakers: int = Field(ge=1)


class SpeakerEstimate(Estimate):
    """The accuracy on one speaker."""

    speaker: str


class ClassScore(Document):
    """How well one class is recognised; what has nothing to be a share of is 0."""

    precision: Share
    recall: Share
    f1: Share
    n: Count


class Covered(Document):
    """What is left when the clips of lowest confidence go to a person.

    Attributes
    ----------
    coverage : float
        Share of the clips that the network answers itself.
    accuracy : float
        Of those.
    min_probability : float
        The lowest confidence among them.
    """

    coverage: Share
    accuracy: Share
    min_probability: Share


class Bins(Document):
    """Clips by confidence, in bins of equal width from 0 to 1.

    Attributes
    ----------
    counts : tuple of int
    confidences, accuracies : tuple of float
        Mean confidence and share of correct clips by bin; 0 where there is no clip.
    """

    counts: tuple[Count, ...]
    confidences: tuple[Share, ...]
    accuracies: tuple[Share, ...]


class Calibration(Document):
    """Confidence against accuracy.

    Attributes
    ----------
    ece : float
        Expected calibration error: the mean gap between both, weighted by clips.
    aurc : float
        Area under the risk-coverage curve: share of misclassified clips among those of highest confidence, averaged
        over all coverages.
    coverage : tuple of Covered
        At 100, 99, 95, 90 and 80 %.
    bins : Bins or None
        None in files of earlier versions.
    temperature : float or None
        What the logits were divided by; None over the folds of a cross validation, each of which has its own.
    fitted_on : str or None
        Clips that it was fitted on; None if there were none.
    ece_uncalibrated : float or None
        The error without it.
    """

    ece: Share
    aurc: Share
    coverage: tuple[Covered, ...] = Field(min_length=1)
    bins: Bins | None = None
    temperature: float | None = Field(None, gt=0)
    fitted_on: str | None = None
    ece_uncalibrated: Share | None = None


class Scores(Document):
    """How good predictions are.

    Attributes
    ----------
    interval : Estimate
        The accuracy with its 95 % interval.
    loss : float
        Mean cross entropy, nats.
    n_test : int
        Clips.
    per_class : dict of str to ClassScore
    confusion : tuple of tuple of int
        Clips by label (row) and prediction (column).
    groups : dict of str to dict of str to Estimate
        Accuracy by column and value, worst first; ``speaker`` is always there.
    """

    accuracy: Share
    interval: Estimate
    loss: Nonnegative
    n_test: int = Field(ge=1)
    per_class: dict[str, ClassScore]
    confusion: tuple[tuple[Count, ...], ...]
    groups: dict[str, dict[str, Estimate]]
    calibration: Calibration

    @computed_field  # type: ignore[prop-decorator]
    @property
    def worst_speaker(self) -> SpeakerEstimate:
        """The speaker of lowest accuracy."""
        speaker, worst = next(iter(self.groups["speaker"].items()))
        return SpeakerEstimate(speaker=speaker, **dict(worst))

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        n_classes = len(self.per_class)
        if len(self.confusion) != n_classes or any(len(row) != n_classes for row in self.confusion):
            raise ValueError("the confusion matrix has not a row and a column per class")
        n_correct = sum(row[label] for label, row in enumerate(self.confusion))
        if sum(map(sum, self.confusion)) != self.n_test or self.interval.n != self.n_test:
            raise ValueError(f"not all parts of the result are over the same {self.n_test} clips")
        for accuracy in (self.accuracy, self.interval.accuracy):
            if not math.isclose(accuracy, n_correct / self.n_test, abs_tol=1e-9):
                raise ValueError(f"accuracy {accuracy} is not that of the confusion matrix")
        if not self.groups.get("speaker"):
            raise ValueError("no accuracy by speaker")
        return self


class Tested(Versioned, Scores):
    """Scores with what was tested on what: the part that a run's and an evaluation's result have in common.

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
    misses : float or None
        Share of the test clips that the network takes for no digit; None if it does not know what that is.
    seconds : float
        The work took.
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
    misses: float | None = None
    seconds: Nonnegative

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_version(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "epochs" in values and "epochs_planned" not in values:
            return {**values, "epochs_planned": values["epochs"]}
        return values

    @property
    def is_finished(self) -> bool:
        """Whether training had come to its end."""
        return self.epochs >= self.epochs_planned


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


class Result(Tested):
    """What training or an evaluation came to.

    Attributes
    ----------
    weights : str or None
        SHA-256 of the model file that was tested; None in files of earlier versions.
    own_test : bool
        Whether the clips were the test part of the run's own split.
    held_out : tuple of str or None
        Speakers that only the test part has; None if there is none, or it was not a training.
    corpora : tuple of TrainedCorpus
        Where the training clips are from; empty for an evaluation and in files of earlier versions.
    n_train, n_parameters, train_seconds
        Of the training; None for an evaluation.
    n_trained_on : int or None
        Tested clips that the network was trained on or chosen by; None if it could not be checked.
    n_cut : int or None
        Tested clips that are longer than the window; None in files of earlier versions.
    """

    weights: str | None = None
    own_test: bool
    held_out: tuple[str, ...] | None = None
    corpora: tuple[TrainedCorpus, ...] = ()
    n_train: Count | None = None
    n_parameters: Count | None = None
    train_seconds: Nonnegative | None = None
    n_trained_on: Count | None = 0
    n_cut: Count | None = None

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


class Curve(Document):
    """Accuracy under one family of distortions.

    Attributes
    ----------
    unit : str
        What the levels mean.
    scale : str
        Of the axis of levels.
    levels, accuracy : tuple of float
        As many of the one as of the other.
    n : int
        Clips tested at each level.
    """

    title: str
    unit: str
    scale: Literal["linear", "log"]
    levels: tuple[float, ...] = Field(min_length=2)
    accuracy: tuple[Share, ...]
    n: int = Field(ge=1)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> float:
        """The area under the curve over the width of its axis: the mean accuracy over the levels between its ends."""
        places = np.log(self.levels) if self.scale == "log" else np.array(self.levels)
        heights = np.array(self.accuracy)
        return float((np.diff(places) * (heights[1:] + heights[:-1]) / 2).sum() / (places[-1] - places[0]))

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if len(self.levels) != len(self.accuracy) or self.levels[0] == self.levels[-1]:
            raise ValueError("not an accuracy for each of several levels")
        if self.scale == "log" and min(self.levels) <= 0:
            raise ValueError("levels on a logarithmic axis must be positive")
        return self


class Robustness(Versioned):
    """How a network did on distorted clips.

    Attributes
    ----------
    clean : float
        Accuracy on the same clips as they are.
    chance : float
        Accuracy of guessing.
    n_clips, n_available : int
        Clips tested, and clips they were chosen from.
    families : dict of str to Curve
    weights : str or None
        SHA-256 of the model file that was tested; None in files of earlier versions.
    """

    clean: Share
    chance: Share
    n_clips: int = Field(ge=1)
    n_available: int = Field(ge=1)
    seed: int
    families: dict[str, Curve] = Field(min_length=1)
    weights: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> float:
        """The mean of the curves' areas."""
        return sum(curve.area for curve in self.families.values()) / len(self.families)


class Evaluations(Versioned):
    """One network tested on several corpora."""

    corpora: tuple[Result, ...] = Field(min_length=1)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accuracy_mean(self) -> float:
        """Mean over corpora."""
        return fmean(result.accuracy for result in self.corpora)


Conclusion = Literal["no difference", "not shown", "on these clips", "over speakers"]


class Difference(Document):
    """How a second network differs from a first on the clips that both were tested on.

    Attributes
    ----------
    first, second : str
        Their names.
    n_shared, n_speakers : int
        Clips that both were tested on, with the same label, and their speakers.
    n_contradicting : int
        Clips that both were tested on with different labels; they count in nothing else.
    accuracy_first, accuracy_second : float
        On the shared clips.
    only_first, only_second : int
        Clips that one of the two alone classified correctly.
    difference : float
        Accuracy of the second less that of the first.
    low, high : float or None
        95 % interval of the difference over further speakers like these; None if there is one speaker only.
    p : float
        Of McNemar's exact test: how often networks that are equally good differ so much on independent clips.
    p_holm : float
        The same, corrected by Holm's method for all the comparisons that were made together.
    conclusion : str
        ``over speakers``: the better one is better for speakers like these, since both the test over clips and the
        interval over speakers say so. ``on these clips``: the test over clips alone. ``not shown``: neither, or the
        interval alone. ``no difference``: they are correct about the same clips.
    verdict : str
        The conclusion with its numbers, in a sentence.
    """

    first: str
    second: str
    n_shared: int = Field(ge=1)
    n_contradicting: Count
    n_speakers: int = Field(ge=1)
    accuracy_first: Share
    accuracy_second: Share
    only_first: Count
    only_second: Count
    difference: float = Field(ge=-1, le=1)
    low: float | None
    high: float | None
    p: Share
    p_holm: Share
    conclusion: Conclusion
    verdict: str


class ComparedRun(Document):
    """The main numbers of one of the runs that are compared; None where its result does not say."""

    name: str
    path: str
    accuracy: Share
    loss: Nonnegative
    n_test: Count
    n_train: Count | None
    n_parameters: Count | None
    train_seconds: Nonnegative | None
    worst_speaker: str
    worst_speaker_accuracy: Share
    calibration_error: Share
    risk_coverage_area: Share
    robustness: Share | None


class Comparison(Versioned):
    """Runs side by side.

    Attributes
    ----------
    settings : dict of str to tuple
        The settings that are not the same in all: by dotted key, the value in each.
    differences : tuple of Difference
        Of each run to the first.
    cautions : tuple of str
        Why numbers side by side may differ for other reasons than the networks.
    out : str
        Folder of the comparison.
    """

    runs: tuple[ComparedRun, ...] = Field(min_length=2)
    settings: dict[str, tuple[Any, ...]]
    differences: tuple[Difference, ...]
    cautions: tuple[str, ...]
    out: str
