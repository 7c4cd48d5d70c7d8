"""From features to a trained network: gathering, front end, the step and the loop; and testing."""

from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from audiomnist.config import Config, load, version_path
from audiomnist.corpus import Corpus, labels, split
from audiomnist.device import autocast
from audiomnist.features import FeatureStore, prepare
from audiomnist.training.augment import spread as speeds
from audiomnist.training.dataset import WindowedClips, definite
from audiomnist.training.optimizer import OneCycleAdamW
from audiomnist.training.trainer import TEST_BATCH, Trainer, predict_logits
from suite.counting import multiply_adds
from suite.measuring import CPU, Figure, interleaved, paired_rates

MOST_CLIPS = 2400
_PASSES = 3  # forward, gradients of the maps, gradients of the weights
_MATRIX, _PRODUCTS = 2048, 8
_MANY_EPOCHS = 1000  # more than are run, so that the learning rate's schedule does not end


@dataclass(frozen=True)
class Learner:
    """A version's trainer over some training clips of a corpus, of ``n_train``, and its batches of one epoch."""

    config: Config
    store: FeatureStore
    trainer: Trainer
    batches: list[tuple[torch.Tensor, torch.Tensor]]
    n_train: int

    @classmethod
    def of(cls, version: str, corpus: Corpus) -> "Learner":
        """Take at most 2,400 training clips, drawn from all over the store."""
        config = load(version_path(version))
        config = config.model_copy(update={"optim": config.optim.model_copy(update={"epochs": _MANY_EPOCHS})})
        store = prepare(corpus, config.features)
        parts = split(corpus, config.split, config.seed)
        config = definite(config, store, parts.train)
        some = np.random.default_rng(0).permutation(parts.train)[:MOST_CLIPS]
        trainer = Trainer(config, store, labels(corpus, config.target), corpus.sources, replace(parts, train=some), CPU)
        batches = [(part.clips, part.draws) for (part,) in trainer._batches()]
        return cls(config, store, trainer, batches, len(parts.train))

    @property
    def n_clips(self) -> int:
        return len(self.trainer.train_clips)

    @property
    def ready(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The first batch, as the network takes it, and its labels."""
        clips, draws = self.batches[0]
        return self.trainer.front_end.train(clips, draws).contiguous(), self.trainer.labels[clips]

    def bare_steps(self) -> Callable[[], None]:
        """Return an epoch of nothing but steps of a copy on one ready batch, with PyTorch's own optimiser."""
        model = deepcopy(self.trainer.model)
        inputs, labels = self.ready
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)

        def steps() -> None:
            model.train()
            for _ in self.batches:
                take_step(model, optimizer, inputs, labels)

        return steps


def take_step(
    network: Callable[[torch.Tensor], torch.Tensor],
    optimizer: torch.optim.Optimizer | OneCycleAdamW,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    half: bool = True,
) -> None:
    """Train on one ready batch and do nothing else, in the trainer's precision or in full."""
    with autocast(CPU) if half else nullcontext():
        logits = network(inputs).float()
    loss = functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def training_figures(version: str, learner: Learner) -> list[Figure]:
    """Time an epoch against its bare steps, its batches against both, and the steps against matrix products."""
    front_end, batches = learner.trainer.front_end, learner.batches

    def make_batches() -> None:
        for clips, draws in batches:
            front_end.train(clips, draws)

    precision, products = _products()
    seconds = interleaved(
        {
            "loop": learner.trainer._train_epoch,
            "steps": learner.bare_steps(),
            "front end": make_batches,
            "products": products,
        }
    )
    rate = {name: learner.n_clips / taken for name, taken in seconds.items()}
    step = f"bare step, batch {learner.config.optim.batch_size}"
    arithmetic = 2 * _PASSES * multiply_adds(learner.trainer.model, learner.ready[0][:1]) * learner.n_clips / 1e9
    return [
        Figure(f"training loop, {version}", rate["loop"], "clips/s", step, rate["steps"]),
        Figure(f"front end, {version}", rate["front end"], "clips/s", step, rate["steps"]),
        Figure(
            f"bare step, {version}",
            arithmetic / seconds["steps"],
            "GFLOP/s",
            f"matrix product, {precision}",
            2 * _PRODUCTS * _MATRIX**3 / 1e9 / seconds["products"],
        ),
    ]


def gathering_figure(version: str, learner: Learner) -> Figure:
    """Time the gathering of shuffled clips, at other speeds where the version has them, against copying as much."""
    config = learner.config
    clips = WindowedClips(learner.store, config.window, CPU)
    stretch = config.augment.stretch

    def gather() -> None:
        for chosen, draws in learner.batches:
            clips.place(chosen, draws[:, 0], speeds(draws[:, 1], stretch) if stretch else None)

    first, draws = learner.batches[0]
    block = clips.place(first, draws[:, 0]).power

    def copy() -> None:
        for _ in learner.batches:
            block.clone()

    rate, limit = paired_rates(learner.n_clips, gather, copy)
    between = ", between frames" if stretch else ""
    return Figure(f"gathering{between}, {version}", rate, "clips/s", "copying as many bytes", limit)


def testing_figure(version: str, learner: Learner) -> Figure:
    """Time the testing of clips against the network alone on a ready batch."""
    trainer, clips = learner.trainer, learner.trainer.train_clips
    inputs = trainer.front_end.test(clips[:TEST_BATCH]).contiguous()

    @torch.inference_mode()
    def network_alone() -> None:
        trainer.model.eval()
        for start in range(0, len(clips), TEST_BATCH):
            trainer.model(inputs[: len(clips) - start])

    rate, limit = paired_rates(
        len(clips), lambda: predict_logits(trainer.model, trainer.front_end, clips), network_alone
    )
    return Figure(f"evaluation, {version}", rate, "clips/s", f"bare network, batch {TEST_BATCH}", limit)


def _products() -> tuple[str, Callable[[], None]]:
    """Return large matrix products in the precision that networks are trained in, and that precision's name."""
    with autocast(CPU):
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
    first, second = torch.randn(2, _MATRIX, _MATRIX, dtype=dtype)

    def multiply() -> None:
        for _ in range(_PRODUCTS):
            torch.mm(first, second)

    return str(dtype).removeprefix("torch."), multiply
