"""The features of single clips, before they are put into a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiomnist.audio import Samples

if TYPE_CHECKING:
    import torch

    from audiomnist.features.mel import MelPower


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
    """

    frames: torch.Tensor
    n_samples: int
    lowest: float
    highest: float

    @property
    def facts(self) -> tuple[int, int, float, float]:
        """Frames, samples, lowest and highest: what ``Index.of`` takes of each clip."""
        return len(self.frames), self.n_samples, self.lowest, self.highest

    @classmethod
    def of(cls, waveforms: Sequence[Samples], mel: MelPower) -> list[ClipFrames]:
        """Return the features of several clips, float32 array [L_i] each, at the front end's sample rate."""
        import torch

        own = torch.split(mel(waveforms), [mel.grid.n_frames(len(samples)) for samples in waveforms])
        clips = []
        for samples, frames in zip(waveforms, own, strict=True):
            clips.append(cls(frames, len(samples), float(samples.min()), float(samples.max())))
        return clips
