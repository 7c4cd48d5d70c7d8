"""The figures of a corpus by digit, by speaker and by what is known of the speakers, as plain values."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiomnist.corpus.scan import CLASSES, Corpus
from audiomnist.evaluation.analysis.clips import ClipFigures, Values

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
ABOUT_CLIPS = ("gender", "accent", "native")
ABOUT_SPEAKERS = ("age", "gender", "origin", "room", "accent", "native")
_LEVELS = ("rms_db", "peak_db", "noise_floor_db", "dc_offset", "leading_ms", "trailing_ms")
UNKNOWN = "unknown"


def summarise(figures: ClipFigures) -> dict[str, Any]:
    """Return counts, formats, lengths, loudness and silence, ready for JSON."""
    corpus, lengths_ms = figures.corpus, figures.lengths_ms
    speakers = sorted(set(corpus.speakers.tolist()))
    return {
        "clips": len(corpus),
        "unreadable": list(figures.unreadable),
        "speakers": len(speakers),
        "seconds": float(lengths_ms.sum() / 1000),
        "layout": corpus.layout,
        "counts": {
            "digit": {name: int((corpus.digits == int(name)).sum()) for name in CLASSES},
            "speaker": _counts(corpus.speakers.tolist()),
            **{name: _counts(corpus.columns[name].tolist()) for name in ABOUT_CLIPS if name in corpus.columns},
        },
        "formats": {
            "sample_rate": _counts(figures.sample_rates.tolist()),
            "channels": _counts(figures.n_channels.tolist()),
            "bit_depth": _counts([bits or None for bits in figures.bit_depths.tolist()]),
        },
        "length_ms": quantiles(lengths_ms),
        "length_ms_by_digit": {
            name: quantiles(lengths_ms[corpus.digits == int(name)])
            for name in CLASSES
            if (corpus.digits == int(name)).any()
        },
        "silence_ms": {"leading": quantiles(figures.leading_ms), "trailing": quantiles(figures.trailing_ms)},
        "signal_by_speaker": {speaker: _signal(figures, corpus.speakers == speaker) for speaker in speakers},
        "speakers_by": speakers_by(corpus),
    }


def speakers_by(corpus: Corpus) -> dict[str, dict[str, int]]:
    """Count speakers, not clips, by each thing that is known of them."""
    _, first = np.unique(corpus.speakers, return_index=True)
    columns = {name: corpus.columns[name][first].tolist() for name in ABOUT_SPEAKERS if name in corpus.columns}
    return {name: _counts(values) for name, values in columns.items()}


def quantiles(values: Values) -> dict[str, float]:
    """Return mean, least, greatest and the quantiles between."""
    between = {f"p{round(100 * share)}": float(np.quantile(values, share)) for share in QUANTILES}
    between["median"] = between.pop("p50")
    return {"mean": float(values.mean()), "min": float(values.min()), **between, "max": float(values.max())}


def _signal(figures: ClipFigures, own: NDArray[np.bool_]) -> dict[str, float]:
    medians = {name: float(np.median(getattr(figures, name)[own])) for name in _LEVELS}
    return {
        "clips": int(own.sum()),
        **medians,
        "clipped_clips": int((figures.clipped_share[own] > 0).sum()),
        "length_ms": float(np.median(figures.lengths_ms[own])),
    }


def _counts(values: Iterable[Any]) -> dict[str, int]:
    counted = Counter(UNKNOWN if value is None else str(value) for value in values)
    return dict(sorted(counted.items(), key=lambda item: item[0].zfill(12) if item[0].isdecimal() else item[0]))
