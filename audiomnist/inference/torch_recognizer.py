"""The recogniser that PyTorch computes: the one place where windows, front end and network come together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from audiomnist.device import keep_freed_memory, single_threaded_torch
from audiomnist.features.mel import ClipFrames, MelPower
from audiomnist.features.store import ClipStore, FeatureStore
from audiomnist.inference.recognizer import AT_ONCE, Answering, Recognizer
from audiomnist.training.checkpoint import TrainedModel, load_model
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.trainer import predict_logits
from audiomnist.training.transforms import FrontEnd

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Seen:
    """What the network sees of recordings.

    Attributes
    ----------
    inputs : Tensor[B, C, N, M]
    inside : Tensor[B, N]
        Which frames are of the recording, and not around it.
    first_s : Tensor[B]
        When the first frame of the window is, in seconds after the beginning of the recording; it may be before.
    """

    inputs: torch.Tensor
    inside: torch.Tensor
    first_s: torch.Tensor


class TorchRecognizer(Recognizer):
    """A trained network over the clips of a store, or over waveforms.

    Parameters
    ----------
    model : TrainedModel
        Its network is moved to the device.
    front_end : FrontEnd, optional
        The one that the network was trained with, if it is at hand; its store need not be read again.
    """

    def __init__(self, model: TrainedModel, device: torch.device, front_end: FrontEnd | None = None) -> None:
        self.model, self.device, self.name = model, device, model.config.version
        config = model.config
        self.answering = Answering(model.classes, config.features.sample_rate, model.temperature, model.no_digit)
        self._network = model.network.to(device).eval()
        self._mel = MelPower(config.features)
        self._front_end = front_end

    @classmethod
    def load(cls, path: Path, device: torch.device) -> TorchRecognizer:
        """Read a model file; raise DataError if it is missing or is not a model of ours."""
        recognizer = cls(load_model(path, device), device)
        recognizer.name = str(path)
        return recognizer

    def single_threaded(self) -> AbstractContextManager[None]:
        """Leave the cores to the caller's threads."""
        keep_freed_memory()
        return single_threaded_torch()

    def logits(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the logits of waveforms at the model's sample rate, float32 array [n, n_outputs]."""
        batches = (waveforms[start : start + AT_ONCE] for start in range(0, len(waveforms), AT_ONCE))
        return np.concatenate([self.store_logits(self._store_of(batch), np.arange(len(batch))) for batch in batches])

    def _store_of(self, waveforms: Sequence[NDArray[np.float32]]) -> ClipStore:
        return ClipStore.in_memory(self.model.config.features, ClipFrames.of(waveforms, self._mel))

    def store_logits(self, store: ClipStore, clips: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the logits of clips of a store by their indices, float32 array [n_clips, n_outputs].

        Several processes share them, and all get all.
        """
        logits: NDArray[np.float32] = (
            predict_logits(self._network, self._over(store), torch.from_numpy(clips)).cpu().numpy()
        )
        return logits

    def inputs(self, store: ClipStore, clips: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what the network sees of clips of a store, float32 array [n_clips, C, N, M]."""
        inputs: NDArray[np.float32] = self._over(store).test(torch.from_numpy(clips)).cpu().numpy()
        return inputs

    def seen(self, waveforms: Sequence[NDArray[np.float32]]) -> Seen:
        """Return what the network sees of waveforms at the model's sample rate, and where in them that is."""
        features = self.model.config.features
        front_end, clips = self._over(self._store_of(waveforms)), torch.arange(len(waveforms))
        inside, first = front_end.test_places(clips)
        return Seen(front_end.test(clips), inside, first * (features.hop_length / features.sample_rate))

    def _over(self, store: ClipStore) -> FrontEnd:
        """Return the front end over a store; that of a store on disk is kept, as it is asked for again."""
        ready = self._front_end
        if ready is not None and ready.clips.store is store:
            return ready
        config = self.model.config
        windowed = WindowedClips(store, config.window, self.device)
        front_end = ready.over(windowed) if ready is not None else FrontEnd(config, windowed)
        if ready is None or isinstance(store, FeatureStore):
            self._front_end = front_end
        return front_end
