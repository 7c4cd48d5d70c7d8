"""What a network predicts for each clip."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.targets import Labels
from audiomnist.errors import DataError
from audiomnist.files import plain_cell, write_csv
from audiomnist.runs.documents import fault_of
from audiomnist.runs.record import Folder
from audiomnist.runs.results import Misclassified, Tested

_RESTORE = "restore the file from a backup, or test again"
_COLUMNS = ("path", "label", "speaker", "prediction", "probability")


@dataclass(frozen=True)
class Predictions:
    """Tested clips, in some order.

    Attributes
    ----------
    paths : tuple of str
    classes : tuple of str
        Of the network, in the order of its outputs.
    labels : int64 array [n_clips]
        The correct class of each clip.
    speakers : str array [n_clips]
    probabilities : float64 array [n_clips, n_classes]
    """

    paths: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    speakers: NDArray[np.str_]
    probabilities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The likeliest class of each clip."""
        predicted: NDArray[np.int64] = np.argmax(self.probabilities, axis=1)
        return predicted

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether it is the label."""
        return np.equal(self.predicted, self.labels)

    @property
    def mistakes(self) -> NDArray[np.int64]:
        """Positions of the misclassified clips, by falling confidence."""
        wrong = np.flatnonzero(~self.correct)
        return wrong[np.argsort(-self.probabilities[wrong].max(1), kind="stable")]

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        labels: Labels,
        clips: NDArray[np.int64],
        logits: NDArray[np.float32],
        temperature: float = 1.0,
    ) -> Predictions:
        """Return the predictions for clips of a corpus from their logits, float32 array [n_clips, n_classes].

        The logits are divided by the temperature: above 1 lowers the confidence.
        """
        from scipy.special import softmax

        return cls(
            paths=tuple(corpus.paths[clip] for clip in clips.tolist()),
            classes=labels.classes,
            labels=labels.of_clips[clips],
            speakers=corpus.speakers[clips],
            probabilities=softmax(logits.astype(np.float64) / temperature, axis=1),
        )

    @classmethod
    def joined(cls, parts: list[Predictions]) -> Predictions:
        """Return several tables as one."""
        return cls(
            paths=tuple(path for part in parts for path in part.paths),
            classes=parts[0].classes,
            labels=np.concatenate([part.labels for part in parts]),
            speakers=np.concatenate([part.speakers for part in parts]),
            probabilities=np.concatenate([part.probabilities for part in parts]),
        )

    def misclassified(self, clip: int, *, unseen: bool) -> Misclassified:
        """Return what was predicted for a clip, by its position; ``unseen``: its speaker was not trained on."""
        label, predicted = int(self.labels[clip]), int(self.predicted[clip])
        return Misclassified(
            path=self.paths[clip],
            label=self.classes[label],
            prediction=self.classes[predicted],
            probability=float(self.probabilities[clip, predicted]),
            label_probability=float(self.probabilities[clip, label]),
            speaker=str(self.speakers[clip]),
            voice="unseen" if unseen else "known",
        )

    def save(self, path: Path) -> None:
        """Write a CSV: path, label, speaker, prediction, probability, and the probability of each class."""
        rows = zip(
            self.paths,
            [self.classes[label] for label in self.labels.tolist()],
            self.speakers.tolist(),
            [self.classes[label] for label in self.predicted.tolist()],
            self.probabilities.tolist(),
            strict=True,
        )
        write_csv(
            path,
            (*_COLUMNS, *(f"p{name}" for name in self.classes)),
            ((*known, f"{max(every):.6f}", *(f"{value:.6g}" for value in every)) for *known, every in rows),
        )

    @classmethod
    def of_result(cls, folder: Folder, result: Tested) -> Predictions:
        """Read the predictions that a result was computed from.

        Raises DataError if they are missing or damaged, or those of other clips.
        """
        predictions = cls.load(folder.verified(folder.predictions))
        if len(predictions) != result.n_test or len(set(predictions.paths)) < len(predictions):
            raise DataError(f"{folder.predictions}: not the {result.n_test:,} clips of {folder.metrics.name}", _RESTORE)
        return predictions

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what ``save`` wrote.

        Raises DataError if the file is missing or damaged.
        """
        try:
            with path.open(newline="", encoding="utf-8") as file:
                header, *rows = [*csv.reader(file, strict=True)] or [[]]
            classes = tuple(name[1:] for name in header[len(_COLUMNS) :])
            if tuple(header[: len(_COLUMNS)]) != _COLUMNS or not classes or not rows:
                raise ValueError("no predictions in it")
            if any(len(row) != len(header) for row in rows):
                raise ValueError("a line is too short or too long")
            paths, labels, speakers, _, _, *probabilities = zip(*rows, strict=True)
            numbers = {name: number for number, name in enumerate(classes)}
            predictions = cls(
                paths=tuple(map(plain_cell, paths)),
                classes=classes,
                labels=np.array([numbers[plain_cell(label)] for label in labels], dtype=np.int64),
                speakers=np.array([*map(plain_cell, speakers)], dtype=np.str_),
                probabilities=np.array(probabilities, dtype=np.float64).T.copy(),
            )
            sums = predictions.probabilities.sum(1)
            if not (np.isclose(sums, 1, atol=1e-3).all() and (predictions.probabilities >= 0).all()):
                raise ValueError("probabilities that do not add up to 1")
        except (OSError, KeyError, ValueError, csv.Error) as error:
            raise DataError(f"{path}: not the predictions of a run ({fault_of(error)})", _RESTORE) from error
        return predictions
