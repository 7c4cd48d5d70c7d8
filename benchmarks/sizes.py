"""How large each version's network is, and what it costs on one core: python benchmarks/sizes.py

Multiplications are counted by PyTorch for the window of one clip; an automatic window counts as --clip-ms.
"""

import argparse
import json
import time
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from audiomnist.config import load, version_path, versions
from audiomnist.corpus.scan import CLASSES
from audiomnist.training.models import build_model
from suite.counting import multiply_adds

_SECONDS = 1.0


def main() -> None:
    """Measure every version and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip-ms", type=int, default=700)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [_measure(version, options.clip_ms) for version in versions()]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    Console().print(table)


def _measure(version: str, automatic_ms: int) -> dict[str, Any]:
    config = load(version_path(version))
    clip_ms = automatic_ms if config.window.clip_ms == "auto" else config.window.clip_ms
    n_frames = clip_ms * config.features.sample_rate // 1000 // config.features.hop_length + 1
    channels = 1 if config.window.padding != "noise" else config.window.channels
    network = build_model(config, len(CLASSES)).eval()
    clip = torch.randn(1, channels, config.features.n_mels, n_frames)
    return {
        "version": version,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "window ms": clip_ms,
        "multiplications per clip": multiply_adds(network, clip),
        "ms for one clip": round(1000 * _seconds_per_call(network, clip), 2),
        "clips/s in batches of 256": round(256 / _seconds_per_call(network, clip.repeat(256, 1, 1, 1))),
    }


@torch.inference_mode()
def _seconds_per_call(network: torch.nn.Module, inputs: torch.Tensor) -> float:
    """Return the shortest of the calls that fit into a second."""
    shortest = float("inf")
    end = time.perf_counter() + _SECONDS
    while (started := time.perf_counter()) < end:
        network(inputs)
        shortest = min(shortest, time.perf_counter() - started)
    return shortest


if __name__ == "__main__":
    main()
