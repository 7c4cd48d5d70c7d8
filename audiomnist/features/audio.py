"""Reading recordings and bringing them to one sample rate."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomnist.corpus.recordings import decode
from audiomnist.errors import ConfigError, DataError

if TYPE_CHECKING:
    import torch


def read(path: Path) -> tuple[torch.Tensor, int]:
    """Read a recording as mono; several channels are averaged.

    Returns
    -------
    samples : Tensor[L]
        float32, full scale is 1.
    sample_rate : int
        Hz.

    Raises
    ------
    DataError
        If the file cannot be decoded, is empty, or holds values that are no numbers.
    """
    import torch

    samples, header = decode(path)
    if not len(samples):
        raise DataError(f"{path}: holds no samples", "remove the file or replace it")
    clip = torch.from_numpy(samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1))
    if not math.isfinite(float(clip.sum())):
        raise DataError(f"{path}: holds NaN or infinite samples", "remove the file or replace it")
    return clip, header.sample_rate


def resample(samples: torch.Tensor, from_hz: int, to_hz: int) -> torch.Tensor:
    """Resample by windowed sinc interpolation, as ``torchaudio.transforms.Resample`` does.

    Parameters
    ----------
    samples : Tensor[..., L]

    Returns
    -------
    Tensor[..., ceil(L * to_hz / from_hz)]
    """
    return samples if from_hz == to_hz else _resampler(from_hz, to_hz)(samples)


@lru_cache(maxsize=16)
def _resampler(from_hz: int, to_hz: int) -> Any:
    return import_torchaudio().transforms.Resample(from_hz, to_hz)


def import_torchaudio() -> Any:
    """Import torchaudio, or say how to get one that fits the installed torch.

    Raises
    ------
    ConfigError
        If it cannot load: its compiled part refuses a torch built for the CPU or for another CUDA.
    """
    import torch

    try:
        import torchaudio
        import torchaudio.transforms
    except (ImportError, OSError, RuntimeError) as error:
        channel = "cpu" if torch.version.cuda is None else f"cu{torch.version.cuda.replace('.', '')}"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"torchaudio does not load beside torch {torch.__version__}: {reason}",
            "install a pair from one index: pip install --force-reinstall torch torchaudio "
            f"--index-url https://download.pytorch.org/whl/{channel}",
        ) from error
    return torchaudio
