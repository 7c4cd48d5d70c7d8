"""How much arithmetic a network is."""

import torch
from torch.utils.flop_counter import FlopCounterMode


@torch.inference_mode()
def multiply_adds(network: torch.nn.Module, inputs: torch.Tensor) -> int:
    """Return the multiplications of one forward pass, each with its addition, as PyTorch counts them."""
    network.eval()
    with FlopCounterMode(display=False) as counter:
        network(inputs)
    return counter.get_total_flops() // 2
