"""The training loop.

It knows nothing of figures, terminals or folders: after every step and epoch it calls its listeners.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from audiomnist import distributed, stopping
from audiomnist.config import Config
from audiomnist.corpus.splits import Split
from audiomnist.corpus.targets import Labels
from audiomnist.device import autocast, generator, keep_freed_memory
from audiomnist.errors import ConfigError
from audiomnist.features.store import FeatureStore
from audiomnist.runs.results import EpochRecord
from audiomnist.training.augment import VoiceAndRoom
from audiomnist.training.checkpoint import TrainedModel
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.loss import adjusted_loss, disagreement, log_priors
from audiomnist.training.models import build_model
from audiomnist.training.noise import NoiseBank, RoomNoise, babble
from audiomnist.training.optimizer import AveragedNetwork, OneCycleAdamW
from audiomnist.training.recordings import load_recordings, silences, stretches
from audiomnist.training.starting import take_weights
from audiomnist.training.transforms import FrontEnd

TEST_BATCH = 256


class Listener:
    """A follower of a training; each method may be left out."""

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        """Take note of a finished epoch."""

    def step_ended(self, trainer: Trainer) -> None:
        """Take note of a finished step."""


@dataclass(frozen=True)
class _Part:
    """Clips of one kind in a batch, or in an epoch."""

    front_end: FrontEnd
    clips: torch.Tensor
    labels: torch.Tensor
    sources: torch.Tensor
    draws: torch.Tensor = field(default_factory=lambda: torch.empty(0))

    def shuffled(self, stream: torch.Generator, n_batches: int, n_copies: int) -> Iterator[_Part]:
        """Yield the clips in random order and batches as equal as can be, with uniform numbers for copies of each."""
        n_clips, device = len(self.clips), self.clips.device
        order = torch.randperm(n_clips, generator=stream, device=device)
        draws = torch.rand(n_clips, n_copies * self.front_end.n_draws, generator=stream, device=device)
        for chosen in order.tensor_split(n_batches):
            yield replace(self, clips=self.clips[chosen], draws=draws[chosen])


def _change(config: Config, clips: WindowedClips, train_clips: torch.Tensor) -> VoiceAndRoom | None:
    """Return what is done to training clips, with the noises that the configuration names."""
    augment, device = config.augment, clips.device
    if not augment.changes:
        return None
    kinds = [[NoiseBank(config, device).levelled]]
    if augment.babble:
        kinds.append([babble(clips, train_clips, config.seed)])
    if augment.noise_data:
        kinds.append(load_recordings(augment.noise_data, config.features))
    return VoiceAndRoom(config.features, augment, RoomNoise(kinds, device), device)


@dataclass
class _EpochUnderWay:
    """What is known of an unfinished epoch."""

    n_steps: int
    total_loss: torch.Tensor
    n_correct: torch.Tensor
    seconds: float

    @classmethod
    def at_start(cls, device: torch.device) -> _EpochUnderWay:
        return cls(0, torch.zeros((), device=device), torch.zeros((), device=device, dtype=torch.long), 0.0)


class Trainer:
    """A network in training, resumable after every step.

    All that is random in an epoch is a function of the seed and the epoch's number, so a run that was stopped and
    resumed ends with the same weights, bit for bit, as one that was not.

    Of several processes each takes its share of every batch; they compute what one would, but for rounding.

    Parameters
    ----------
    store, labels, sources, split
        The clips, their classes, which corpus each comes from (int64 array [n_clips]), and which are trained on.
    """

    def __init__(
        self,
        config: Config,
        store: FeatureStore,
        labels: Labels,
        sources: NDArray[np.int64],
        split: Split,
        device: torch.device,
    ) -> None:
        keep_freed_memory()
        self.config, self.device = config, device
        clips = WindowedClips(store, config.window, device)
        self.train_clips = torch.from_numpy(split.train).to(device)
        self.front_end = FrontEnd(config, clips, _change(config, clips, self.train_clips))
        self.classes = labels.classes
        self.labels = torch.from_numpy(labels.of_clips).to(device)
        self.watched = "validation" if len(split.validation) else "test"
        watched = split.validation if len(split.validation) else split.test
        self.watched_clips = torch.from_numpy(watched).to(device)
        self.model = build_model(config, len(self.classes))
        if config.start_from:
            take_weights(self.model, config, self.classes)
        self.model.to(device)
        self._average = AveragedNetwork(self.model, config.optim.ema) if config.optim.ema else None
        self._others = self._no_digits() if config.no_digit.data else None
        priors = log_priors(sources, labels.of_clips, split.train, len(self.classes))
        self._log_priors = None if priors is None else priors.to(device)
        self._sources = torch.from_numpy(sources).to(device)
        batch_size = config.optim.batch_size
        if batch_size == "auto":
            raise ValueError("automatic batches must be made definite first: see definite")
        self._n_copies = 2 if config.optim.consistency else 1
        self.steps_per_epoch = -(-len(split.train) // batch_size)
        self.optimizer = OneCycleAdamW(
            self.model.parameters(),
            peak_lr=config.optim.lr,
            weight_decay=config.optim.weight_decay,
            total_steps=self.steps_per_epoch * config.optim.epochs,
        )
        self.epoch = 0
        self._under_way = _EpochUnderWay.at_start(device)
        if (n_clips := len(split.train) // self.steps_per_epoch) < distributed.size():
            raise ConfigError(
                f"optim.batch_size={batch_size} makes batches of {n_clips} clips for {distributed.size()} "
                "processes, and each needs one",
                "start fewer processes, or choose a larger batch",
            )
        self._parallel = distributed.parallel(self.model)

    @stopping.at_safe_points()
    def fit(self, listeners: Sequence[Listener] = ()) -> None:
        """Train until the last epoch, telling the listeners after each; a stop waits for the end of a step."""
        while self.epoch < self.config.optim.epochs:
            train_loss, train_accuracy, seconds = self._train_epoch(listeners)
            self.epoch += 1
            logits = predict_logits(self.network, self.front_end, self.watched_clips)
            truth = self.labels[self.watched_clips]
            loss = float(functional.cross_entropy(logits[:, : len(self.classes)], truth))
            if not math.isfinite(train_loss + loss):
                raise ConfigError(
                    f"training diverged in epoch {self.epoch}: the loss is not finite",
                    f"lower the learning rate: --set optim.lr={self.config.optim.lr / 10:g}",
                )
            record = EpochRecord(
                epoch=self.epoch,
                epochs=self.config.optim.epochs,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                watched=self.watched,
                loss=loss,
                accuracy=int((logits[:, : len(self.classes)].argmax(1) == truth).sum()) / len(truth),
                lr=self.optimizer.lr,
                seconds=seconds,
                clips_per_second=len(self.train_clips) / seconds,
            )
            for listener in listeners:
                listener.epoch_ended(record, self)

    def _no_digits(self) -> _Part:
        """Return other words, noises and silence as clips of one more class."""
        config, windowed = self.config, self.front_end.clips
        recordings = load_recordings(config.no_digit.data, config.features) + silences(config.features, config.seed)
        store = stretches(recordings, config.features, windowed.n_frames)
        clips = torch.arange(len(store), device=self.device)
        front_end = self.front_end.over(WindowedClips(store, config.window, self.device))
        return _Part(front_end, clips, clips * 0 + len(self.classes), clips * 0 - 1)

    @property
    def part_of_epoch(self) -> float:
        """How much of the epoch under way is done, from 0 to 1."""
        return self._under_way.n_steps / self.steps_per_epoch

    @property
    def network(self) -> nn.Module:
        """The network to test and keep: the average of its weights, if one is made."""
        return self._average.module if self._average else self.model

    @property
    def trained(self) -> TrainedModel:
        """The network with all that is needed to use it."""
        return TrainedModel(self.network, self.config, self.classes, epochs=self.epoch)

    def _train_epoch(self, listeners: Sequence[Listener] = ()) -> tuple[float, float, float]:
        """Train for an epoch, or for what is left of it; return its loss, accuracy and seconds."""
        self.model.train()
        reached = self._under_way
        started = time.perf_counter() - reached.seconds
        n_classes = len(self.classes)
        for batch in islice(self._batches(), reached.n_steps, None):
            inputs, truth, log_prior, n_all = self._shared(batch)
            with autocast(self.device):
                logits = self._parallel(inputs).float()
            loss = adjusted_loss(logits, truth, log_prior, self.config.optim.label_smoothing)
            if self._n_copies > 1:
                loss = loss + self.config.optim.consistency * disagreement(logits)
            self.optimizer.zero_grad()
            # Gradients are averaged over processes; those with more of the batch's clips count for more.
            (loss * (len(truth) * distributed.size() / n_all)).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            if self._average:
                self._average.update(self.model)
            is_class = truth < n_classes
            reached.total_loss += loss.detach() * is_class.sum()
            reached.n_correct += ((logits.argmax(1) == truth) & is_class).sum()
            reached.n_steps += 1
            reached.seconds = time.perf_counter() - started
            for listener in listeners:
                listener.step_ended(self)
            stopping.check()
        n_clips = self._n_copies * len(self.train_clips)
        self._under_way = _EpochUnderWay.at_start(self.device)
        loss, n_correct = distributed.summed(reached.total_loss), distributed.summed(reached.n_correct)
        return float(loss) / n_clips, int(n_correct) / n_clips, reached.seconds

    def _shared(self, batch: list[_Part]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, int]:
        """Return inputs, classes and class priors of this process's share of a batch, and how many clips it all has.

        Where there are two copies of each clip, all first ones stand before the second ones, and each is counted.
        """
        inputs, truth, sources = [], [], []
        for copy in range(self._n_copies):
            for part in batch:
                own, n_draws = distributed.share(len(part.clips)), part.front_end.n_draws
                clips = part.clips[own]
                inputs.append(part.front_end.train(clips, part.draws[own, copy * n_draws : (copy + 1) * n_draws]))
                truth.append(part.labels[clips])
                sources.append(part.sources[clips])
        priors = None if self._log_priors is None else self._log_priors[torch.cat(sources)]
        return (
            torch.cat(inputs) if len(inputs) > 1 else inputs[0],
            torch.cat(truth),
            priors,
            self._n_copies * sum(len(part.clips) for part in batch),
        )

    def _batches(self) -> Iterator[list[_Part]]:
        """Yield shuffled clips with their uniform numbers, which belong to the clip and not to its place in a batch.

        Batches are as equal as can be: a last one of a single clip would be no sample for batch normalisation.
        """
        stream = generator(self.device, self.config.seed, 1, self.epoch)
        parts = [_Part(self.front_end, self.train_clips, self.labels, self._sources)]
        if self._others is not None:
            parts.append(self._others)
        shuffled = (part.shuffled(stream, self.steps_per_epoch, self._n_copies) for part in parts)
        for batch in zip(*shuffled, strict=True):
            yield list(batch)

    def state(self) -> dict[str, Any]:
        """Return what resuming needs: tensors, numbers and dictionaries of them only."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self._average.state_dict() if self._average else {},
            "under_way": asdict(self._under_way),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self._average:
            self._average.load_state_dict(state["average"])
        self.epoch = state["epoch"]
        if "under_way" in state:
            self._under_way = _EpochUnderWay(**state["under_way"])


@torch.inference_mode()
def predict_logits(model: nn.Module, front_end: FrontEnd, clips: torch.Tensor) -> torch.Tensor:
    """Return the logits of clips of the front end's store, each a function of its own clip alone.

    From Tensor[n_clips] of indices to Tensor[n_clips, n_outputs]. Several processes share the batches, and all get all
    logits.
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
