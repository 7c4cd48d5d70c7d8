"""The command as torchrun starts it in these tests: in full precision, and in some a process of it gets a signal."""

import os
from collections.abc import Sequence
from contextlib import nullcontext

from audiomnist.cli.app import main
from audiomnist.training import trainer

SIGNAL = "TEST_SIGNAL_TO_SECOND_PROCESS_AFTER_AN_EPOCH"


def train_in_full_precision() -> None:
    """bfloat16 rounds so much that shares of a batch and the whole of it come to other sums."""
    trainer.autocast = lambda device: nullcontext()


def signalled(number: int) -> None:
    """Let the second process get a signal when an epoch is over."""
    train_epoch = trainer.Trainer._train_epoch

    def train_epoch_or_not(self: trainer.Trainer, listeners: Sequence[trainer.Listener]) -> tuple[float, float, float]:
        if self.epoch == 1 and os.environ["RANK"] == "1":
            os.kill(os.getpid(), number)
        return train_epoch(self, listeners)

    trainer.Trainer._train_epoch = train_epoch_or_not


if __name__ == "__main__":
    train_in_full_precision()
    if SIGNAL in os.environ:
        signalled(int(os.environ[SIGNAL]))
    main()
