"""Batches of mel power, gathered from a store by clip index: no decoding, no workers, no loop over clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from audiomnist.config import Window
from audiomnist.features.mel import FrameGrid

if TYPE_CHECKING:
    from audiomnist.features.store import FeatureStore


@dataclass(frozen=True)
class Placed:
    """A batch of clips, each somewhere in its window, silence around it.

    Attributes
    ----------
    power : Tensor[B, N, M]
        Mel power.
    offsets : Tensor[B]
        Frames between the window's first and the one centred on the clip's first sample.
    n_samples, lowest, highest : Tensor[B]
        Length and extreme samples of the clips.
    """

    power: torch.Tensor
    offsets: torch.Tensor
    n_samples: torch.Tensor
    lowest: torch.Tensor
    highest: torch.Tensor


class WindowedClips:
    """The clips of a store, cut or padded with silence to one window.

    The clip stands at a multiple of the hop, so its frames are those that the padded waveform would give: windows that
    reach past the clip's ends saw zeros when the store was made, as they would in the padded waveform. A clip longer
    than the window keeps its beginning.

    Parameters
    ----------
    device : torch.device
        Where batches are made. On a GPU the whole store is copied there, if it takes at most half of the free memory.
    """

    def __init__(self, store: FeatureStore, window: Window, device: torch.device) -> None:
        features = store.features
        self.device = device
        self.n_fft, self.hop_length = features.n_fft, features.hop_length
        self.window_samples = window.clip_ms * features.sample_rate // 1000
        self.n_frames = self.window_samples // features.hop_length + 1
        self._lead = FrameGrid(features.n_fft, features.hop_length).lead
        self._frames = store.frames.to(device) if _fits(store.n_bytes, device) else store.frames
        index = store.index
        self._starts, self._counts, self.n_samples = (
            torch.from_numpy(values).to(device) for values in (index.starts, index.n_frames, index.n_samples)
        )
        self._lowest, self._highest = (torch.from_numpy(values).to(device) for values in (index.lowest, index.highest))
        self._frame_numbers = torch.arange(self.n_frames, device=device)

    def place(self, clips: torch.Tensor, position: torch.Tensor) -> Placed:
        """Gather clips at given places in their windows.

        Parameters
        ----------
        clips : Tensor[B]
            Indices into the store.
        position : Tensor[B]
            From 0 (as early as possible) to 1 (exclusive; as late as possible).
        """
        n_samples = self.n_samples[clips]
        slack = (self.window_samples - n_samples).clamp(min=0) // self.hop_length
        offsets = (position * (slack + 1)).long().clamp(max=slack)  # (B,)
        within = self._frame_numbers - offsets[:, None] + self._lead  # (B, N)
        outside = (within < 0) | (within >= self._counts[clips, None])
        silence = self._frames.shape[0] - 1
        rows = (self._starts[clips, None] + within).masked_fill_(outside, silence).to(self._frames.device)
        power = self._frames.index_select(0, rows.view(-1)).view(*rows.shape, -1)  # (B, N, M)
        return Placed(power.to(self.device), offsets, n_samples, self._lowest[clips], self._highest[clips])


def _fits(n_bytes: int, device: torch.device) -> bool:
    return device.type != "cuda" or n_bytes < torch.cuda.mem_get_info(device)[0] // 2
