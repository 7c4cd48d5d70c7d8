"""What a training with its features at hand loads before the first step: torch, and what draws the split."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import SMALL, succeeds

NOT_YET = {"matplotlib", "pandas", "tensorboard", "torch._dynamo", "torchaudio"}
TRAIN_ONE_STEP = """
import sys
from audiomnist.cli.app import app
from audiomnist.training.optimizer import OneCycleAdamW

step = OneCycleAdamW.step

def only_step(optimizer):
    step(optimizer)
    print("imported:", *sorted(sys.modules))
    sys.exit()

OneCycleAdamW.step = only_step
app(sys.argv[1:])
"""


@pytest.mark.parametrize("scheme", ["random", "speaker"])
def test_the_first_step_waits_for_no_import_it_can_do_without(small_corpus: Path, scheme: str) -> None:
    settings = ("--data", small_corpus, *SMALL)
    succeeds("prep", *settings)
    words = ("train", *settings, "--split", scheme, "--set", "split.validation_fraction=0.25", "--quiet")
    process = subprocess.run(
        [sys.executable, "-c", TRAIN_ONE_STEP, *map(str, words)], capture_output=True, text=True, check=True
    )
    said, _, imported = process.stdout.partition("imported: ")
    assert not said
    assert "torch" in imported.split()
    assert not NOT_YET & set(imported.split())
