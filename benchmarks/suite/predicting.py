"""From a WAV file to its digit: one by one, and many in batches."""

from pathlib import Path

import torch

from audiomnist.audio import map_in_order, read, resample
from audiomnist.corpus import Corpus
from audiomnist.device import single_threaded_torch
from audiomnist.features.clips import ClipFrames
from audiomnist.features.mel import MelPower
from audiomnist.features.store import ClipStore
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.trainer import TEST_BATCH, predict_logits
from audiomnist.training.transforms import FrontEnd
from suite.learning import Learner
from suite.measuring import CPU, Figure, paired_rates, spread

ONE_BY_ONE = 200
IN_BATCHES = 2048
_CHUNK = 32


class Recogniser:
    """A version's network and what leads to it."""

    def __init__(self, learner: Learner) -> None:
        self.model = learner.trainer.model.eval()
        self._config, self._front_end = learner.config, learner.trainer.front_end
        self._mel = MelPower(learner.config.features)

    def features(self, files: list[Path]) -> list[ClipFrames]:
        """Read, resample and transform recordings."""
        return ClipFrames.of([resample(*read(file), self._mel.sample_rate) for file in files], self._mel)

    def front_end(self, clips: list[ClipFrames]) -> FrontEnd:
        """Return the front end over these clips."""
        store = ClipStore.in_memory(self._config.features, clips)
        return self._front_end.over(WindowedClips(store, self._config.window, CPU))

    def digits(self, clips: list[ClipFrames]) -> torch.Tensor:
        """Return the answers."""
        return predict_logits(self.model, self.front_end(clips), torch.arange(len(clips))).argmax(1)


def predicting_figures(version: str, learner: Learner, corpus: Corpus, jobs: int | None) -> list[Figure]:
    """Time the way from file to digit against the network alone."""
    recogniser = Recogniser(learner)
    return [_one_by_one(version, recogniser, corpus), _in_batches(version, recogniser, corpus, jobs)]


def _one_by_one(version: str, recogniser: Recogniser, corpus: Corpus) -> Figure:
    files = [corpus.file(clip) for clip in spread(len(corpus), ONE_BY_ONE)]
    ready = recogniser.front_end(recogniser.features(files[:1])).test(torch.zeros(1, dtype=torch.long)).contiguous()

    def file_by_file() -> None:
        for file in files:
            recogniser.digits(recogniser.features([file]))

    @torch.inference_mode()
    def network_alone() -> None:
        for _ in files:
            recogniser.model(ready).argmax(1)

    rate, limit = paired_rates(len(files), file_by_file, network_alone)
    return Figure(f"one file to its digit, {version}", 1000 / rate, "ms", "bare network, one clip", 1000 / limit)


def _in_batches(version: str, recogniser: Recogniser, corpus: Corpus, jobs: int | None) -> Figure:
    files = [corpus.file(clip) for clip in spread(len(corpus), IN_BATCHES)]
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    some = recogniser.features(files[:TEST_BATCH])
    ready = recogniser.front_end(some).test(torch.arange(len(some))).contiguous()

    def all_files() -> None:
        with single_threaded_torch():
            clips = [clip for chunk in map_in_order(recogniser.features, chunks, jobs) for clip in chunk]
        recogniser.digits(clips)

    @torch.inference_mode()
    def network_alone() -> None:
        for start in range(0, len(files), TEST_BATCH):
            recogniser.model(ready[: len(files) - start]).argmax(1)

    rate, limit = paired_rates(len(files), all_files, network_alone)
    return Figure(f"files to digits, {version}", rate, "clips/s", f"bare network, batch {TEST_BATCH}", limit)
