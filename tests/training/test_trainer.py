import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode

from audiomnist import distributed
from audiomnist.config import Augment, Model, Optim, Window
from audiomnist.errors import ConfigError, DataError
from audiomnist.training.checkpoint import load_model, resume, save_model, save_state
from audiomnist.training.dataset import definite
from audiomnist.training.trainer import EpochRecord, Listener, Trainer, predict_logits
from tests.training.conftest import Material

CPU = torch.device("cpu")


class Records(Listener):
    def __init__(self) -> None:
        self.seen: list[EpochRecord] = []

    def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
        self.seen.append(record)


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in trainer.network.state_dict().values()])


def test_averaged_weights_are_what_is_tested_and_kept(material: Material) -> None:
    config = material.config.model_copy(update={"optim": Optim(lr=0.01, epochs=1, ema=0.9)})
    trainer = replace(material, config=config).trainer()
    trainer.fit()
    assert trainer.network is not trainer.model
    assert not torch.equal(trainer.network.classifier.weight, trainer.model.classifier.weight)


@pytest.mark.parametrize(
    ("n_clips", "batch_size", "lr"), [(10_239, 64, 0.01), (10_240, 128, 0.02), (20_480, 256, 0.04)]
)
def test_automatic_batches_grow_with_the_corpus(material: Material, n_clips: int, batch_size: int, lr: float) -> None:
    config = material.config.model_copy(update={"optim": Optim(lr=0.01, batch_size="auto")})
    chosen = definite(config, material.store, np.zeros(n_clips, np.int64)).optim
    assert (chosen.batch_size, chosen.lr) == (batch_size, lr)


def test_training_learns_the_words(material: Material) -> None:
    config = material.config.model_copy(
        update={"optim": material.config.optim.model_copy(update={"epochs": 8, "lr": 0.02})}
    )
    records = Records()
    replace(material, config=config).trainer().fit([records])
    assert records.seen[-1].accuracy > 0.8
    assert records.seen[-1].train_loss < records.seen[0].train_loss


def test_one_seed_gives_the_same_weights_bit_for_bit(material: Material) -> None:
    first, second = material.trainer(), material.trainer()
    first.fit()
    torch.rand(10)
    second.fit()
    assert torch.equal(weights(first), weights(second))


RECIPES = {
    "plain": {},
    "everything": {
        "window": Window(padding="blank", channels=1),
        "augment": Augment(stretch=0.2, warp=0.2, tilt_db=6, equaliser_db=4, noise_probability=0.5),
        "model": Model(name="dsnet", widths=(8, 12)),
        "optim": Optim(lr=0.01, epochs=3, weight_decay=0.01, label_smoothing=0.1, consistency=1, ema=0.9),
    },
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_resumed_after_any_epoch_ends_as_an_unbroken_one(material: Material, tmp_path: Path, recipe: str) -> None:
    material = replace(material, config=material.config.model_copy(update=RECIPES[recipe]))

    class Save(Listener):
        def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
            save_state(trainer.state(), tmp_path / f"{trainer.epoch}.pt")

    unbroken = material.trainer()
    unbroken.fit([Save()])
    for epoch in range(1, unbroken.epoch + 1):
        resumed = material.trainer()
        resume(tmp_path / f"{epoch}.pt", CPU, resumed.load_state)
        assert resumed.epoch == epoch
        resumed.fit()
        assert torch.equal(weights(resumed), weights(unbroken))
        assert resumed.optimizer.state_dict()["n_steps"] == unbroken.optimizer.state_dict()["n_steps"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_resumed_within_an_epoch_ends_as_an_unbroken_one(
    material: Material, tmp_path: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = material.config.model_copy(update={**RECIPES[recipe], "checkpoint_minutes": 1e-9})
    material = replace(material, config=config)
    unbroken, records = material.trainer(), Records()
    unbroken.fit([records])

    class StopInSecondEpoch(Listener):
        def epoch_ended(self, record: EpochRecord, trainer: Trainer) -> None:
            self.steps_left = 3

        def step_ended(self, trainer: Trainer) -> None:
            if trainer.epoch == 1:
                self.steps_left -= 1
                if not self.steps_left:
                    save_state(trainer.state(), tmp_path / "state.pt")
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        material.trainer().fit([StopInSecondEpoch()])
    resumed, later = material.trainer(), Records()
    resume(tmp_path / "state.pt", CPU, resumed.load_state)
    resumed.fit([later])
    assert torch.equal(weights(resumed), weights(unbroken))
    for name in ("epoch", "train_loss", "train_accuracy", "loss", "accuracy", "lr"):
        assert [getattr(record, name) for record in later.seen] == [
            getattr(record, name) for record in records.seen[1:]
        ]


def test_a_batch_of_less_than_a_clip_for_each_process_is_refused(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "_size", 20)
    with pytest.raises(ConfigError, match=r"optim\.batch_size=16"):
        material.trainer()


def test_logits_do_not_depend_on_the_clips_beside_them(material: Material) -> None:
    trainer = material.trainer()
    trainer.fit()
    clips = torch.from_numpy(material.split.test)
    together = predict_logits(trainer.model, trainer.front_end, clips)
    reverse = predict_logits(trainer.model, trainer.front_end, clips.flip(0)).flip(0)
    alone = torch.cat([predict_logits(trainer.model, trainer.front_end, clip[None]) for clip in clips])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together, reverse, atol=1e-4, rtol=1e-4)


def test_testing_leaves_the_network_as_it_was(material: Material) -> None:
    trainer = material.trainer()
    trainer.model.train()
    before = weights(trainer)
    predict_logits(trainer.model, trainer.front_end, torch.from_numpy(material.split.test))
    assert torch.equal(weights(trainer), before)
    assert not trainer.model.training


def test_test_clips_are_never_trained_on(material: Material) -> None:
    trainer = material.trainer()
    trained = {clip for [part] in trainer._batches() for clip in part.clips.tolist()}
    assert trained == set(material.split.train.tolist())


def test_epochs_differ_in_order_and_draws(material: Material) -> None:
    trainer = material.trainer()
    [first], *_ = trainer._batches()
    [again], *_ = trainer._batches()
    trainer.epoch = 1
    [second], *_ = trainer._batches()
    assert torch.equal(first.draws, again.draws)
    assert not torch.equal(first.clips, second.clips)
    assert not torch.equal(first.draws, second.draws)


def test_two_copies_of_each_clip_are_changed_apart(material: Material) -> None:
    settings = {"augment": Augment(stretch=0.5), "optim": Optim(batch_size=16, consistency=1)}
    trainer = replace(material, config=material.config.model_copy(update=settings)).trainer()
    batch, *_ = trainer._batches()
    inputs, truth, _, n_all = trainer._shared(batch)
    first, second = inputs.chunk(2)
    assert len(inputs) == len(truth) == n_all == 2 * len(batch[0].clips)
    assert torch.equal(*truth.chunk(2))
    assert (first != second).flatten(1).any(1).all()


def test_a_model_file_alone_is_enough_to_predict(material: Material, tmp_path: Path) -> None:
    trainer = material.trainer()
    trainer.fit()
    save_model(trainer.trained, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors", CPU)
    assert loaded.config == trainer.config
    assert loaded.classes == tuple("0123456789")
    clips = torch.from_numpy(material.split.test)
    expected = predict_logits(trainer.model, trainer.front_end, clips)
    assert torch.equal(predict_logits(loaded.network, trainer.front_end, clips), expected)


def test_a_model_file_keeps_its_temperature_or_has_1(material: Material, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = replace(material.trainer().trained, temperature=1.7, n_calibration=40)
    save_model(model, path)
    loaded = load_model(path, CPU)
    assert (loaded.temperature, loaded.n_calibration) == (1.7, 40)
    with safe_open(path, framework="pt") as file:
        description = json.loads(file.metadata()["audiomnist"])
    del description["temperature"], description["n_calibration"]
    save_file(load_file(path), path, {"audiomnist": json.dumps(description)})
    loaded = load_model(path, CPU)
    assert (loaded.temperature, loaded.n_calibration) == (1.0, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process is forked")
def test_a_model_under_way_has_a_name_that_is_cleaned_up(material: Material, tmp_path: Path) -> None:
    model = replace(material.trainer().trained, network=torch.nn.Linear(10_000, 1_000))
    if not (writer := os.fork()):
        save_model(model, tmp_path / "model.safetensors")
        os._exit(0)
    seen: set[str] = set()
    while os.waitpid(writer, os.WNOHANG) == (0, 0):
        seen.update(path.name for path in tmp_path.iterdir())
    assert seen
    assert all(".model.safetensors.tmp-" in name for name in seen - {"model.safetensors"})


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x00" * 64])
def test_a_broken_model_or_state_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(DataError, match="broken"):
        load_model(path, CPU)
    with pytest.raises(DataError, match="broken"):
        resume(path, CPU, lambda state: None)


def test_a_damaged_state_is_refused(material: Material, tmp_path: Path) -> None:
    path, trainer = tmp_path / "state.pt", material.trainer()
    save_state(trainer.state(), path)
    whole = path.read_bytes()
    for position in np.random.default_rng(0).integers(0, len(whole), 40).tolist():
        damaged = bytearray(whole if position % 2 else whole[: position + 20])
        damaged[position : position + 20] = bytes(255 - byte for byte in whole[position : position + 20])
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"state\.pt: not a resume state"):
            resume(path, CPU, trainer.load_state)
    save_state({"epoch": 3}, path)
    with pytest.raises(DataError, match=r"state\.pt: not a resume state"):
        resume(path, CPU, trainer.load_state)


def test_weights_that_are_not_finite_are_refused(material: Material, tmp_path: Path) -> None:
    model = material.trainer().trained
    with torch.no_grad():
        next(model.network.parameters())[0, 0, 0, 0] = float("nan")
    save_model(model, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="not finite"):
        load_model(tmp_path / "model.safetensors", CPU)


class NoDoubles(TorchDispatchMode):
    """A device without float64, as Apple's MPS is."""

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = operator(*args, **(kwargs or {}))
        assert getattr(result, "dtype", None) != torch.float64, operator
        return result


@pytest.mark.parametrize("recipe", RECIPES)
def test_training_and_testing_need_no_float64(material: Material, recipe: str) -> None:
    optim = material.config.optim.model_copy(update={"epochs": 1})
    config = material.config.model_copy(update={**RECIPES[recipe], "optim": optim})
    with NoDoubles():
        replace(material, config=config).trainer().fit()


class Reads(TorchDispatchMode):
    """Counts how often the program waits for a number that a device has computed."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        waiting = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique")
        self.count += any(operator._schema.name == f"aten::{name}" for name in waiting)
        return operator(*args, **(kwargs or {}))


@pytest.mark.parametrize("recipe", [*RECIPES, "noise"])
def test_the_device_is_not_waited_for_within_an_epoch(material: Material, recipe: str) -> None:
    changes = {**RECIPES, "noise": {"window": Window(padding="noise")}}[recipe]
    trainer = replace(material, config=material.config.model_copy(update=changes)).trainer()
    with Reads() as reads:
        trainer._train_epoch([])
    assert trainer.steps_per_epoch > 2
    assert reads.count == 2  # loss and accuracy, when the epoch is over
