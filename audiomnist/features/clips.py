"""The features of single clips, before they are put into a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiomnist.audio import Samples

if TYPE_CHECKING:
    import torch

    from audiomnist.features.mel import MelPower

ClipFacts = tuple[int, int, float, float, bytes]
CLIP_FACTS = np.dtype(
    [
        ("n_frames", np.int64),
        ("n_samples", np.int64),
        ("lowest", np.float32),
        ("highest", np.float32),
        ("digests", "V16"),
    ]
)


@dataclass(frozen=True)
class ClipFrames:
    """The features of one clip.

    Attributes
    ----------
    frames : Tensor[n_frames, M]
        Mel power.
    n_samples : int
        Length at the front end's sample rate.
    lowest, highest : float
        Extreme sample values.
    digest : bytes
        Of the sound as it was read; zeros if it was not read from a file.
    """

    frames: torch.Tensor
    n_samples: int
    lowest: float
    highest: float
    digest: bytes = bytes(16)

    @property
    def facts(self) -> ClipFacts:
        """What an index says of a clip: an entry of a ``CLIP_FACTS`` array."""
        return (len(self.frames), self.n_samples, self.lowest, self.highest, self.digest)

    @classmethod
    def of(cls, waveforms: Sequence[Samples], mel: MelPower) -> list[ClipFrames]:
        """Return the features of several clips, float32 array [L_i] each, at the front end's sample rate."""
        import torch

        own = torch.split(mel(waveforms), [mel.grid.n_frames(len(samples)) for samples in waveforms])
        return [
            cls(frames, len(samples), float(samples.min()), float(samples.max()))
            for samples, frames in zip(waveforms, own, strict=True)
        ]
