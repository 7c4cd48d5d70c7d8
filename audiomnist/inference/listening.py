"""Digits in sound that is still going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

from audiomnist.inference.sequences import FLOOR_WINDOW_S, HOP_S, LARGEST_CLOSURE_S, Span, read_stretches, sounding

if TYPE_CHECKING:
    from audiomnist.audio import Samples
    from audiomnist.inference.answers import Segment
    from audiomnist.inference.recognizer import Recognizer

_SILENCE_S = LARGEST_CLOSURE_S + 0.06  # behind a word that will not go on


class Listener:
    """Takes sound at a sample rate in Hz bit by bit, and returns what was said as soon as silence follows it."""

    def __init__(self, recognizer: Recognizer, sample_rate: int) -> None:
        self._answers = recognizer.answers
        self._rate = recognizer.answering.sample_rate
        self._resampler = soxr.ResampleStream(sample_rate, self._rate, 1, dtype="float32", quality="HQ")
        self._hop = round(HOP_S * self._rate)
        self._kept = round(FLOOR_WINDOW_S / HOP_S)  # frames that the background is known from
        self._samples = np.zeros(0, np.float32)
        self._n_forgotten = 0  # frames before the first of the kept samples
        self._n_read = 0  # frames up to the end of what has been told

    def hear(self, samples: Samples) -> list[list[Segment]]:
        """Take in samples, float32 array [L]; return the digits of each utterance that has ended, if it had any."""
        self._samples = np.concatenate([self._samples, self._resampler.resample_chunk(samples)])
        surplus = len(self._samples) // self._hop - self._kept
        if surplus > self._kept // 2:
            self._samples = self._samples[surplus * self._hop :]
            self._n_forgotten += surplus
        if len(self._samples) < self._hop:
            return []
        stretches = sounding(self._samples, self._rate)
        now = len(self._samples) // self._hop
        ended: list[list[Span]] = []
        group: list[Span] = []
        for start, end in [*stretches, (now, now)]:
            if start + self._n_forgotten < self._n_read:
                continue
            if group and start - group[-1][1] > _SILENCE_S / HOP_S:
                ended.append(group)
                self._n_read = group[-1][1] + self._n_forgotten
                group = []
            group.append((start, end))
        before_s = self._n_forgotten * HOP_S
        return [list(read_stretches(self._answers, self._rate, self._samples, group, before_s)) for group in ended]
