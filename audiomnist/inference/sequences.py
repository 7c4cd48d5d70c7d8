"""Finding spoken digits in a longer recording: stretches above the background, and the most likely reading of them.

Energy says where something may be spoken; the network says what belongs together. A word with a closure in it ("six",
"eight") falls into two stretches, and two words spoken close to each other may be one. So every run of neighbouring
stretches that could be a word is recognised, and of all ways to divide the recording the likeliest is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from audiomnist.audio import Samples
from audiomnist.inference.answers import Answer, Segment, Spoken

Span = tuple[int, int]  # frames, the last exclusive
Answers = Callable[[Sequence[tuple[Samples, int]]], list[Answer]]  # those of a recogniser

# The browser page listens with the same settings.
HOP_S = 0.01
FRAME_S = 0.025
LOWEST_HZ, HIGHEST_HZ, N_BANDS = 120, 3_800, 12
FLOOR_WINDOW_S = 8.0
FLOOR_SHARE = 0.2  # of the frames around a moment lie below the floor
RANGE_DB = 45.0  # below the loudest frame around a moment nothing counts as sound
ABOVE_FLOOR_DB = 6.0
CLEAR_DB = 9.0
VALLEY_DB = 7.0  # a stretch may end where it falls by so much and rises again
SHORTEST_S = 0.05
SMALLEST_GAP_S = 0.04
MARGIN_S = 0.03
WORD_S = (0.10, 1.2)  # shortest and longest
LARGEST_CLOSURE_S = 0.14  # silence within a word
MOST_STRETCHES = 4  # of one word
PIECE_S = 40.0  # what is held of a recording before it is read
SKIP_COST = 1.5  # of leaving a second of sound out, in units of log probability


def find_digits(answers: Answers, rate: int, blocks: Iterable[Samples]) -> Spoken:
    """Find the digits in a recording that comes in blocks at a sample rate in Hz, of which few are held."""
    hop, half = round(HOP_S * rate), round(FLOOR_WINDOW_S / HOP_S / 2)
    held = np.zeros(0, np.float32)
    first = done = 0  # frames: the first that is held, and the first that is not read yet
    segments: list[Segment] = []

    def read(end: int | None) -> None:
        """Read what is held, up to a pause before frame ``end``, or to its end."""
        nonlocal held, first, done
        stretches = [span for span in sounding(held, rate) if first + span[0] >= done]
        if end is not None:
            end = _pause(stretches, done - first, end)
            stretches = [span for span in stretches if span[1] <= end]
        segments.extend(read_stretches(answers, rate, held, stretches, first * HOP_S))
        if end is not None:
            done = first + end
            dropped = max(0, done - 2 * half - first) // half * half  # the floor looks half a window back and forth
            held, first = held[dropped * hop :], first + dropped

    for block in blocks:
        held = np.concatenate([held, block])
        if len(held) >= PIECE_S * rate:
            read(len(held) // hop - 2 * half)
    read(None)
    return Spoken(tuple(segments), first * HOP_S + len(held) / rate)


def _pause(stretches: list[Span], begin: int, end: int) -> int:
    """Return the middle of the last pause between two frames that is no part of a word, or of the longest there is."""
    inside = [span for span in stretches if span[0] < end]
    edges = [begin, *(frame for span in inside for frame in span), end]
    pauses = [(after, before) for after, before in zip(edges[::2], edges[1::2], strict=True) if before > after]
    clear = [pause for pause in pauses if pause[1] - pause[0] > 2 * LARGEST_CLOSURE_S / HOP_S]
    if not pauses:
        return end
    after, before = clear[-1] if clear else max(pauses, key=lambda pause: pause[1] - pause[0])
    return (after + before) // 2


def read_stretches(
    answers: Answers, rate: int, samples: Samples, stretches: list[Span], start_s: float
) -> Iterator[Segment]:
    """Yield the digits that stretches of sound are, which begin ``start_s`` seconds after the recording."""
    hop, margin = round(HOP_S * rate), round(MARGIN_S * rate)
    words = _words(stretches)
    spans = [(stretches[first][0], stretches[last][1]) for first, last in words]
    found = answers([(samples[max(0, start * hop - margin) : end * hop + margin], rate) for start, end in spans])
    costs = [-float(np.log(max(one.probability, 1e-9))) if one.digit is not None else np.inf for one in found]
    for word in _cheapest(stretches, words, costs):
        digit = found[word].digit
        if digit is not None:
            begin = start_s + max(0.0, spans[word][0] * HOP_S - MARGIN_S)
            end = start_s + min(spans[word][1] * HOP_S + MARGIN_S, len(samples) / rate)
            yield Segment(round(begin, 3), round(end, 3), digit, found[word].probability)


def sounding(samples: Samples, sample_rate: int) -> list[Span]:
    """Return the stretches of a recording that stand out from its background, in frames of 10 ms."""
    bands = _band_power_db(samples, sample_rate)  # (N, bands)
    level = np.logaddexp.reduce(bands * (np.log(10) / 10), axis=1) * (10 / np.log(10))
    half = round(FLOOR_WINDOW_S / HOP_S / 2)
    centres = np.arange(0, len(level) + half, half)
    floors = np.empty((len(centres), bands.shape[1]))
    for place, centre in enumerate(centres):
        around = slice(max(0, centre - half), centre + half)
        floors[place] = np.quantile(bands[around], FLOOR_SHARE, axis=0)
        floors[place] = np.maximum(floors[place], level[around].max() - RANGE_DB - 10 * np.log10(bands.shape[1]))
    frames = np.arange(len(level))
    floor = np.stack([np.interp(frames, centres, floors[:, band]) for band in range(bands.shape[1])], 1)
    above = np.clip(bands - floor, 0, 25)
    above = np.sort(above, axis=1)[:, bands.shape[1] // 2 :].mean(1)  # of the half of the bands that stand out most
    above = np.convolve(above, np.ones(3) / 3, "same")
    return _runs(above)


def _runs(above: NDArray[np.float64]) -> list[Span]:
    """Return runs of frames above the threshold, each with a frame clearly above it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (above > ABOVE_FLOOR_DB).astype(np.int8), [0]])))
    runs: list[Span] = []
    for start, end in edges.reshape(-1, 2).tolist():
        if runs and start - runs[-1][1] < SMALLEST_GAP_S / HOP_S:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    clear = [run for run in runs if run[1] - run[0] >= SHORTEST_S / HOP_S and above[slice(*run)].max() > CLEAR_DB]
    return [part for run in clear for part in _parts(above, run)]


def _parts(above: NDArray[np.float64], run: Span) -> list[Span]:
    """Cut a run at its valleys, where noise may have filled the pause between two words."""
    start, end = run
    shortest, inside = round(SHORTEST_S / HOP_S), above[start:end]
    before, behind = np.maximum.accumulate(inside), np.maximum.accumulate(inside[::-1])[::-1]
    depths = (np.minimum(before, behind) - inside)[shortest:-shortest]
    if not depths.size or depths.max() < VALLEY_DB:
        return [run]
    valley = start + shortest + int(depths.argmax())
    return [*_parts(above, (start, valley)), *_parts(above, (valley, end))]


def _band_power_db(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    hop, size = round(HOP_S * sample_rate), round(FRAME_S * sample_rate)
    padded = np.pad(samples, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: -(-len(samples) // hop)]
    edges = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, sample_rate / 2), N_BANDS + 1)
    bins = np.unique(np.round(edges * size / sample_rate).astype(int))
    window = np.hanning(size).astype(np.float32)
    power = np.concatenate(
        [np.abs(np.fft.rfft(block * window)) ** 2 for block in np.array_split(frames, -(-len(frames) // 1024))]
    )
    banded = np.add.reduceat(power[:, : bins[-1]], bins[:-1], axis=1) / np.diff(bins)
    return 10 * np.log10(banded + 1e-12)


def _words(stretches: list[Span]) -> list[tuple[int, int]]:
    """Return what could be a word, by its first and last stretch: runs of neighbours, none too far apart."""
    words = []
    shortest, longest = (seconds / HOP_S for seconds in WORD_S)
    for first in range(len(stretches)):
        for last in range(first, min(first + MOST_STRETCHES, len(stretches))):
            if last > first and stretches[last][0] - stretches[last - 1][1] > LARGEST_CLOSURE_S / HOP_S:
                break
            length = stretches[last][1] - stretches[first][0]
            if shortest <= length <= longest or (last == first and length > longest):
                words.append((first, last))
    return words


def _cheapest(stretches: list[Span], words: list[tuple[int, int]], costs: list[float]) -> list[int]:
    """Choose the words that together explain the stretches best; a stretch may be left out at a cost."""
    skips = [0.5 + SKIP_COST * (end - start) * HOP_S / 0.2 for start, end in stretches]
    ways: list[tuple[int, int, float, int | None]] = [
        *((place, place + 1, cost, None) for place, cost in enumerate(skips)),
        *((first, last + 1, costs[word] + 0.1, word) for word, (first, last) in enumerate(words)),
    ]
    best = [0.0] + [np.inf] * len(stretches)
    came: list[tuple[int, int | None]] = [(0, None)] * (len(stretches) + 1)
    for begin, end, cost, word in sorted(ways, key=itemgetter(0)):  # nothing leads back, so what is begun from is known
        if best[begin] + cost < best[end]:
            best[end], came[end] = best[begin] + cost, (begin, word)
    chosen, place = [], len(stretches)
    while place:
        place, taken = came[place]
        if taken is not None:
            chosen.append(taken)
    return chosen[::-1]
