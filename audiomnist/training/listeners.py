"""Those who listen to the trainer: the history file, the checkpoint, TensorBoard."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import EpochRecord
from audiomnist.training.checkpoint import save_model, save_state
from audiomnist.training.trainer import Trainer

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class History:
    """Writes ``history.jsonl``; epochs that are trained again after a resume replace their first account."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Write this epoch's line."""
        earlier = [epoch for epoch in self._run.load_history() if epoch["epoch"] < record.epoch]
        self._run.save_history([*earlier, record.plain()])


class Checkpoint:
    """Writes weights and resume state after every epoch."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Write both files; the state last, since it is what counts as reached."""
        save_model(trainer.trained, self._run.model)
        save_state(trainer.state(), self._run.state)


class TensorBoard:
    """Writes scalars for TensorBoard into the run folder, if that package is installed."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._available = importlib.util.find_spec("tensorboard") is not None
        self._writer: SummaryWriter | None = None

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Write this epoch's scalars."""
        if not self._available:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._run.path), purge_step=record.epoch)
        scalars = {
            "loss/train": record.train_loss,
            f"loss/{record.watched}": record.loss,
            "accuracy/train": record.train_accuracy,
            f"accuracy/{record.watched}": record.accuracy,
            "lr": record.lr,
        }
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, record.epoch)
        self._writer.flush()
        if record.epoch == record.epochs:
            self._writer.close()
