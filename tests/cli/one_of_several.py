"""The command as torchrun starts it in these tests: in full precision, and in one test a process of it dies."""

import os
import signal
from collections.abc import Sequence
from contextlib import nullcontext

from audiomnist.cli.app import main
from audiomnist.training import trainer

DIES_AFTER = "TEST_SECOND_PROCESS_DIES_AFTER_EPOCH"


def train_in_full_precision() -> None:
    """bfloat16 rounds so much that shares of a batch and the whole of it come to other sums."""
    trainer.autocast = lambda device: nullcontext()


def die_after(epoch: int) -> None:
    """Let the second process be killed when so many epochs are over."""
    train_epoch = trainer.Trainer._train_epoch

    def train_epoch_or_die(self: trainer.Trainer, listeners: Sequence[trainer.Listener]) -> tuple[float, float, float]:
        if self.epoch == epoch and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return train_epoch(self, listeners)

    trainer.Trainer._train_epoch = train_epoch_or_die


if __name__ == "__main__":
    train_in_full_precision()
    if DIES_AFTER in os.environ:
        die_after(int(os.environ[DIES_AFTER]))
    main()
