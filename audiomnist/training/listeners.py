"""Those who listen to the trainer: the files of the run folder, TensorBoard."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from audiomnist import distributed, stopping
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.results import EpochRecord
from audiomnist.training.checkpoint import before, save_model, save_state
from audiomnist.training.trainer import Listener, Trainer

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Checkpoint(Listener):
    """Writes history, weights and resume state after every epoch.

    Epochs that are trained again after a resume replace their first account.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._saved_at = time.monotonic()

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Write all files; the state last, since it is what counts as reached. The one before is kept."""
        run = self._run
        earlier = [epoch for epoch in run.load_history() if epoch.epoch < record.epoch]
        with run.replacing(run.history, run.model, *self._states) as (history, model, *states):
            history.write_text(
                "".join(f"{epoch.model_dump_json()}\n" for epoch in (*earlier, record)), encoding="utf-8"
            )
            save_model(trainer.trained, model)
            self._save_state(trainer, *states)
        self._saved_at = time.monotonic()

    def step_ended(self, trainer: Trainer) -> None:
        """Write the resume state within a long epoch, and when training is about to stop.

        Of several processes each knows its own share of the epoch only, so these save between epochs.
        """
        is_due = time.monotonic() - self._saved_at > 60 * trainer.config.checkpoint_minutes
        if distributed.size() == 1 and (is_due or stopping.is_asked()):
            with self._run.replacing(*self._states) as states:
                self._save_state(trainer, *states)
            self._saved_at = time.monotonic()

    @property
    def _states(self) -> list[Path]:
        """The files of the resume state: the newest, and before it that which was the newest, if there is one."""
        state = self._run.state
        return [before(state), state] if state.exists() else [state]

    def _save_state(self, trainer: Trainer, *files: Path) -> None:
        *older, newest = files
        for file in older:
            shutil.copyfile(self._run.state, file)
        save_state(trainer.state(), newest)


class TensorBoard(Listener):
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
