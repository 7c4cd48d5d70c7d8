"""Batches of mel power, gathered from a store by clip index: no decoding, no workers, no loop over clips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from audiomnist.config import LONGEST_WINDOW_MS, Config, Window, from_settings
from audiomnist.corpus.measures import window_ms
from audiomnist.features.mel import FrameGrid, band_centres_hz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiomnist.features.store import ClipStore, FeatureStore, Index


_WHOLE = 0.99  # share of the training clips that an automatic window keeps whole
_SHORTEST_MS = 50
_BATCH = 64  # clips
_LARGER = 256, 128  # where an epoch has enough steps of them
_ENOUGH_STEPS = 80
BACKGROUND = 10  # one frame of so many is quieter than what counts as the background
SPEECH_DB = 15.0
MARGIN = 2  # frames


def trimmed(store: ClipStore, window: Window) -> Index:
    """Return a store's index without the quiet frames at both ends of every clip.

    A frame is quiet if its power lies ``trim_db`` below that of the clip's loudest, or less than ``trim_snr_db`` above
    the clip's background: the power that a tenth of its frames do not reach. Where that is less than 15 dB below the
    loudest frame, 15 dB below it is the line: speech in loud noise is not cut away. Power is weighed with the square of
    the frequency, as by the pre-emphasis of speech coders: a soft "s" counts as sound and a hum does not.
    """
    index = store.index
    if not window.trim_db:
        return index
    starts, counts = index.starts, index.n_frames
    emphasis = (band_centres_hz(store.features) / 1_000).square()
    power = (store.frames[:-1] @ emphasis).numpy()  # (n_rows,)
    loudest = np.maximum.reduceat(power, starts)
    line = loudest * 10 ** (-window.trim_db / 10)
    if window.trim_snr_db:
        ranks = (counts - 1) // BACKGROUND
        clips = zip(starts.tolist(), counts.tolist(), ranks.tolist(), strict=True)
        background = np.array([np.partition(power[start : start + count], rank)[rank] for start, count, rank in clips])
        above = np.minimum(background * 10 ** (window.trim_snr_db / 10), loudest * 10 ** (-SPEECH_DB / 10))
        line = np.maximum(line, above)
    loud = power >= np.repeat(line, counts)
    if window.trim_snr_db:
        loud = _without_single_frames(loud, index)
    rows = np.arange(len(power))
    margin = MARGIN if window.trim_snr_db else 0
    first = np.maximum(np.minimum.reduceat(np.where(loud, rows, len(rows)), starts) - margin, starts)
    last = np.minimum(np.maximum.reduceat(np.where(loud, rows, -1), starts) + margin, starts + counts - 1)
    n_frames = last - first + 1
    return replace(index, starts=first, n_frames=n_frames, n_samples=n_frames * store.features.hop_length)


def _without_single_frames(loud: NDArray[np.bool_], index: Index) -> NDArray[np.bool_]:
    """Return which frames are loud beside another one, and all that are loud in clips without such a frame."""
    before, after = np.roll(loud, 1), np.roll(loud, -1)
    before[index.starts] = False
    after[index.starts + index.n_frames - 1] = False
    beside = loud & (before | after)
    return np.where(np.repeat(np.logical_or.reduceat(beside, index.starts), index.n_frames), beside, loud)


def definite(config: Config, store: FeatureStore, clips: NDArray[np.int64]) -> Config:
    """Return the configuration with ``auto`` made definite for window and batch, by ``clips``, those to train on."""
    window, optim = config.window, config.optim
    changes: dict[str, object] = {}
    if window.clip_ms == "auto":
        n_samples = trimmed(store, window).n_samples[clips]
        clip_ms = max(window_ms(1000 * n_samples / config.features.sample_rate, _WHOLE), _SHORTEST_MS)
        changes["window.clip_ms"] = min(clip_ms, LONGEST_WINDOW_MS)
    if optim.batch_size == "auto":
        batch_size = next((size for size in _LARGER if len(clips) >= _ENOUGH_STEPS * size), _BATCH)
        changes |= {"optim.batch_size": batch_size, "optim.lr": optim.lr * batch_size / _BATCH}
    return from_settings(config.model_dump(mode="json"), "the training clips", overrides=changes)


@dataclass(frozen=True)
class Placed:
    """A batch of clips, each somewhere in its window, silence around it.

    Attributes
    ----------
    power : Tensor[B, N, M]
        Mel power.
    inside : Tensor[B, N]
        Which frames are the clip's and not the silence around it.
    offsets : Tensor[B]
        Frames between the window's first and the one centred on the clip's first sample.
    n_samples, lowest, highest : Tensor[B]
        Length and extreme samples of the clips.
    """

    power: torch.Tensor
    inside: torch.Tensor
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

    def __init__(self, store: ClipStore, window: Window, device: torch.device) -> None:
        features = store.features
        self.store, self.device = store, device
        self.n_fft, self.hop_length = features.n_fft, features.hop_length
        if window.clip_ms == "auto":
            raise ValueError("an automatic window must be made definite first: see definite")
        self.window_samples = window.clip_ms * features.sample_rate // 1000
        self.n_frames = self.window_samples // features.hop_length + 1
        self._lead = 0 if window.trim_db else FrameGrid(features.n_fft, features.hop_length).lead
        self._frames = store.frames.to(device) if _fits(store.frames.nbytes, device) else store.frames
        self._recording_starts = torch.from_numpy(store.index.starts).to(device)
        self._recording_ends = self._recording_starts + torch.from_numpy(store.index.n_frames).to(device)
        index = trimmed(store, window)
        self._starts, self._counts, self.n_samples = (
            torch.from_numpy(values).to(device) for values in (index.starts, index.n_frames, index.n_samples)
        )
        self._lowest, self._highest = (torch.from_numpy(values).to(device) for values in (index.lowest, index.highest))
        self._frame_numbers = torch.arange(self.n_frames, device=device)

    def frames(self, clip: int) -> torch.Tensor:
        """Return the frames of one clip, without what is trimmed: Tensor[K, M]."""
        start = int(self._starts[clip])
        return self._frames[start : start + int(self._counts[clip])].to(self.device)

    def place(
        self,
        clips: torch.Tensor,
        position: torch.Tensor,
        speed: torch.Tensor | None = None,
        margins: torch.Tensor | None = None,
    ) -> Placed:
        """Gather clips at given places in their windows.

        Parameters
        ----------
        clips : Tensor[B]
            Indices into the store.
        position : Tensor[B]
            From 0 (as early as possible) to 1 (exclusive; as late as possible).
        speed : Tensor[B], optional
            How much faster than it was each clip is said; frames between two of the store are interpolated.
        margins : Tensor[B, 2], optional
            How many frames before and after the clip are its own too: those that were trimmed, and silence beyond the
            recording. Only together with ``speed``.
        """
        n_samples = self.n_samples[clips]
        if speed is not None:
            n_samples = (n_samples / speed).long()
        slack = (self.window_samples - n_samples).clamp(min=0) // self.hop_length
        offsets = (position * (slack + 1)).long().clamp(max=slack)  # (B,)
        after_begin = self._frame_numbers - offsets[:, None]  # (B, N)
        if speed is None:
            within = after_begin + self._lead
            inside = (within >= 0) & (within < self._counts[clips, None])
            power = self._gather(clips, within, inside)
        else:
            exact = after_begin * speed[:, None] + self._lead
            before, after = (0, 0) if margins is None else margins.T[..., None]
            inside = (exact >= -before) & (exact <= self._counts[clips, None] - 1 + after)
            within = exact.floor().long()
            share = (exact - within)[..., None]
            first, following = (
                self._gather(clips, frames, inside & self._recorded(clips, frames)) for frames in (within, within + 1)
            )
            power = torch.lerp(first, following, share)
        return Placed(power, inside, offsets, n_samples, self._lowest[clips], self._highest[clips])

    def first_frames(self, clips: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Return the number of the first frame of windows with clips at ``offsets``, Tensor[B]; it may be negative.

        Frame 0 of a clip is centred on its first sample, also where that is trimmed.
        """
        trimmed = self._starts[clips] - self._recording_starts[clips]
        return trimmed + self._lead - FrameGrid(self.n_fft, self.hop_length).lead - offsets

    def _recorded(self, clips: torch.Tensor, within: torch.Tensor) -> torch.Tensor:
        """Return which frames the recordings have, trimmed or not, Tensor[B, N], by their number within the clip."""
        rows = self._starts[clips, None] + within
        return (rows >= self._recording_starts[clips, None]) & (rows < self._recording_ends[clips, None])

    def _gather(self, clips: torch.Tensor, within: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """Return frames of clips by their number within the clip, Tensor[B, N, M], silence where not inside."""
        silence = self._frames.shape[0] - 1
        rows = (self._starts[clips, None] + within).masked_fill_(~inside, silence).to(self._frames.device)
        return self._frames.index_select(0, rows.view(-1)).view(*rows.shape, -1).to(self.device)


def _fits(n_bytes: int, device: torch.device) -> bool:
    return device.type != "cuda" or n_bytes < torch.cuda.mem_get_info(device)[0] // 2
