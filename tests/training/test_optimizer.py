import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from audiomnist.training.optimizer import AveragedNetwork, OneCycleAdamW


@pytest.mark.parametrize("total_steps", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("resumed_at", [None, 2])
def test_it_moves_as_torchs_adamw_under_torchs_one_cycle(total_steps: int, resumed_at: int | None) -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.ones(5)) for _ in range(2))
    make = {"peak_lr": 0.1, "weight_decay": 0.02, "total_steps": total_steps}
    optimizer = OneCycleAdamW([ours], **make)
    plain = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(plain, 0.1, total_steps=total_steps, anneal_strategy="linear")
    for step in range(total_steps):
        if step == resumed_at:
            state = optimizer.state_dict()
            optimizer = OneCycleAdamW([ours], **make)
            optimizer.load_state_dict(state)
        gradient = torch.randn(5, generator=generator)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        rate = plain.param_groups[0]["lr"]
        plain.step()
        schedule.step()
        optimizer.step()
        assert optimizer.lr == pytest.approx(rate)
        torch.testing.assert_close(ours, theirs)


def test_the_average_is_torchs() -> None:
    network = torch.nn.BatchNorm1d(3)
    ours = AveragedNetwork(network, 0.9)
    theirs = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    for _ in range(5):
        network(torch.randn(4, 3))
        torch.nn.init.normal_(network.weight)
        ours.update(network)
        theirs.update_parameters(network)
    for name in ("weight", "bias", "running_mean", "running_var"):
        torch.testing.assert_close(getattr(ours.module, name), getattr(theirs.module, name))
