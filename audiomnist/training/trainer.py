"""The training loop.

It knows nothing of figures, terminals or folders: after every epoch it hands a record to whoever listens.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn import functional

from audiomnist import distributed, stopping
from audiomnist.config import Config
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.corpus.targets import labels
from audiomnist.device import autocast, generator, keep_freed_memory
from audiomnist.errors import ConfigError
from audiomnist.features.store import FeatureStore
from audiomnist.runs.results import EpochRecord
from audiomnist.training.checkpoint import TrainedModel
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.models import build_model
from audiomnist.training.optimizer import AveragedNetwork, OneCycleAdamW
from audiomnist.training.transforms import FrontEnd

TEST_BATCH = 256


class Listener(Protocol):
    """Whoever wants to know how training goes."""

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Take note of a finished epoch."""


class Trainer:
    """A network in training, resumable after every epoch.

    All that is random in an epoch is a function of the seed and the epoch's number, so a run that was stopped and
    resumed ends with the same weights, bit for bit, as one that was not.

    Of several processes each takes its share of every batch; they compute what one would, but for rounding.
    """

    def __init__(self, config: Config, corpus: Corpus, store: FeatureStore, split: Split, device: torch.device) -> None:
        keep_freed_memory()
        self.config, self.device = config, device
        self.front_end = FrontEnd(config, WindowedClips(store, config.window, device))
        known = labels(corpus, config.target)
        self.classes = known.classes
        self.labels = torch.from_numpy(known.of_clips).to(device)
        self.train_clips = torch.from_numpy(split.train).to(device)
        self.watched = "validation" if len(split.validation) else "test"
        watched = split.validation if len(split.validation) else split.test
        self.watched_clips = torch.from_numpy(watched).to(device)
        self.model = build_model(config, len(self.classes)).to(device)
        self._average = AveragedNetwork(self.model, config.optim.ema) if config.optim.ema else None
        self.steps_per_epoch = -(-len(split.train) // config.optim.batch_size)
        self.optimizer = OneCycleAdamW(
            self.model.parameters(),
            peak_lr=config.optim.lr,
            weight_decay=config.optim.weight_decay,
            total_steps=self.steps_per_epoch * config.optim.epochs,
        )
        self.epoch = 0
        if (n_clips := len(split.train) // self.steps_per_epoch) < distributed.size():
            raise ConfigError(
                f"optim.batch_size={config.optim.batch_size} makes batches of {n_clips} clips for {distributed.size()} "
                "processes, and each needs one",
                "start fewer processes, or choose a larger batch",
            )
        self._parallel = distributed.parallel(self.model)

    def fit(self, listeners: Sequence[Listener] = ()) -> None:
        """Train until the last epoch, telling the listeners after each; a stop waits for the end of a step."""
        with stopping.at_safe_points():
            self._fit(listeners)

    def _fit(self, listeners: Sequence[Listener]) -> None:
        while self.epoch < self.config.optim.epochs:
            started = time.perf_counter()
            train_loss, train_accuracy = self._train_epoch()
            seconds = time.perf_counter() - started
            self.epoch += 1
            logits = predict_logits(self.network, self.front_end, self.watched_clips)
            truth = self.labels[self.watched_clips]
            loss = float(functional.cross_entropy(logits, truth))
            if not math.isfinite(train_loss + loss):
                raise ConfigError(
                    f"training diverged in epoch {self.epoch}: the loss is no finite number",
                    f"lower the learning rate: --set optim.lr={self.config.optim.lr / 10:g}",
                )
            record = EpochRecord(
                epoch=self.epoch,
                epochs=self.config.optim.epochs,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                watched=self.watched,
                loss=loss,
                accuracy=int((logits.argmax(1) == truth).sum()) / len(truth),
                lr=self.optimizer.lr,
                seconds=seconds,
                clips_per_second=len(self.train_clips) / seconds,
            )
            for listener in listeners:
                listener.epoch_ended(record, self)

    @property
    def network(self) -> nn.Module:
        """The network to test and keep: the average of its weights, if one is made."""
        return self._average.module if self._average else self.model

    @property
    def trained(self) -> TrainedModel:
        """The network with all that is needed to use it."""
        return TrainedModel(self.network, self.config, self.classes)

    def _train_epoch(self) -> tuple[float, float]:
        self.model.train()
        total_loss = torch.zeros((), device=self.device)
        n_correct = torch.zeros((), device=self.device, dtype=torch.long)
        for batch, draws_of_batch in self._batches():
            own = distributed.share(len(batch))
            clips, draws = batch[own], draws_of_batch[own]
            inputs, truth = self.front_end.train(clips, draws), self.labels[clips]
            with autocast(self.device):
                logits = self._parallel(inputs).float()
            loss = functional.cross_entropy(logits, truth, label_smoothing=self.config.optim.label_smoothing)
            self.optimizer.zero_grad()
            # Gradients are averaged over processes; those with more of the batch's clips count for more.
            (loss * (len(clips) * distributed.size() / len(batch))).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            if self._average:
                self._average.update(self.model)
            total_loss += loss.detach() * len(clips)
            n_correct += (logits.argmax(1) == truth).sum()
            stopping.check()
        n_clips = len(self.train_clips)
        return float(distributed.summed(total_loss)) / n_clips, int(distributed.summed(n_correct)) / n_clips

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield shuffled clips with their uniform numbers, which belong to the clip and not to its place in a batch.

        Batches are as equal as can be: a last one of a single clip would be no sample for batch normalisation.
        """
        stream = generator(self.device, self.config.seed, 1, self.epoch)
        n_clips = len(self.train_clips)
        order = torch.randperm(n_clips, generator=stream, device=self.device)
        draws = torch.rand(n_clips, self.front_end.n_draws, generator=stream, device=self.device)
        for chosen in order.tensor_split(self.steps_per_epoch):
            yield self.train_clips[chosen], draws[chosen]

    def state(self) -> dict[str, Any]:
        """Return what resuming needs: tensors, numbers and dictionaries of them only."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self._average.state_dict() if self._average else {},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self._average:
            self._average.load_state_dict(state["average"])
        self.epoch = state["epoch"]


@torch.inference_mode()
def predict_logits(model: nn.Module, front_end: FrontEnd, clips: torch.Tensor) -> torch.Tensor:
    """Return the logits of clips in evaluation mode, each a function of its own clip alone.

    Several processes share the batches, and all get all logits.

    Parameters
    ----------
    clips : Tensor[n_clips]
        Indices into the front end's store.

    Returns
    -------
    Tensor[n_clips, n_classes]
    """
    keep_freed_memory()
    model.eval()
    batches = torch.split(clips, TEST_BATCH)
    own = batches[distributed.share(len(batches))]
    logits = torch.empty(0, device=front_end.device)
    n_done = 0
    for batch in own:
        outputs = model(front_end.test(batch))
        if not n_done:  # one block for all; small ones among a batch's large ones would break up the memory
            logits = outputs.new_empty(sum(map(len, own)), outputs.shape[1])
        logits[n_done : n_done + len(batch)] = outputs
        n_done += len(batch)
        stopping.check()
    if distributed.size() > 1:
        logits = torch.cat(distributed.gathered(logits.cpu())).to(front_end.device)
    return logits
