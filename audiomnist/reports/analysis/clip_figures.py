"""Pictures of counts, lengths, levels and silence."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from audiomnist.corpus.scan import CLASSES
from audiomnist.evaluation.analysis.clips import ClipFigures
from audiomnist.reports.drawing import Theme, bars, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS_PER_DIGIT = 250
_SPEAKERS_SHOWN = 60
_NAMES_SHOWN = 24
_MOST_BARS = 12


def counts_figure(summary: dict[str, Any], theme: Theme) -> Figure:
    """Draw clips per digit, per speaker, and by what is known of the speakers."""
    counts = {name: values for name, values in summary["counts"].items() if len(values) > 1}
    others = {name: values for name, values in counts.items() if name not in {"digit", "speaker"}}
    n_rows = 2 + -(-len(others) // 2)
    figure = new_figure(1.9 * n_rows)
    grid = figure.add_gridspec(n_rows, 2)
    for row, name in enumerate(("digit", "speaker")):
        axes = figure.add_subplot(grid[row, :])
        values = summary["counts"][name]
        axes.bar(range(len(values)), list(values.values()), color=theme.first, width=0.8)
        axes.set(title=f"by {name}", ylabel="clips")
        axes.grid(axis="y")
        _name_ticks(axes, list(values))
    for place, (name, values) in enumerate(others.items()):
        axes = figure.add_subplot(grid[2 + place // 2, place % 2])
        axes.set_title(f"by {name}")
        bars(axes, values, theme, most=4)
    return figure


def lengths_figure(figures: ClipFigures, windows_ms: dict[str, int], keep_ms: int, theme: Theme) -> Figure:
    """Draw the histogram of clip lengths, the versions' windows, and the one that keeps 99 % whole."""
    figure = new_figure(3.2)
    axes = figure.subplots()
    lengths_ms = figures.lengths_ms
    longest = max(float(np.quantile(lengths_ms, 0.999)), *windows_ms.values(), keep_ms) * 1.05
    axes.hist(np.minimum(lengths_ms, longest), bins=80, range=(0, longest), color=theme.first)
    named: dict[int, list[str]] = {}
    for name, clip_ms in windows_ms.items():
        named.setdefault(clip_ms, []).append(name)
    axes.axvline(keep_ms, color=theme.second, linewidth=1.6, label=f"99 % whole: {keep_ms} ms")
    styles = itertools.cycle(("--", ":", "-."))
    for (clip_ms, names), style in zip(sorted(named.items()), styles, strict=False):
        label = f"{', '.join(names)}: {clip_ms} ms"
        axes.axvline(clip_ms, color=theme.ink, linestyle=style, linewidth=1.3, label=label)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, fontsize=9)
    axes.set(xlabel="length (ms)", ylabel="clips", xlim=(0, longest))
    axes.grid(axis="y")
    return figure


def length_by_digit_figure(figures: ClipFigures, theme: Theme) -> Figure:
    """Draw each digit's lengths as points with quartiles over them, and its mean."""
    figure = new_figure(3.6)
    axes = figure.subplots()
    draw = np.random.default_rng(0)
    lengths_ms, digits = figures.lengths_ms, figures.corpus.digits
    present = [digit for digit in range(len(CLASSES)) if (digits == digit).any()]
    own = [lengths_ms[digits == digit] for digit in present]
    for digit, values in zip(present, own, strict=True):
        points = draw.choice(values, min(len(values), _POINTS_PER_DIGIT), replace=False)
        across = digit + draw.uniform(-0.3, 0.3, len(points))
        axes.plot(across, points, ".", color=theme.first, markersize=2.5, alpha=0.35)
    line = {"color": theme.ink, "linewidth": 1.1}
    axes.boxplot(
        own,
        positions=present,
        widths=0.5,
        showfliers=False,
        boxprops=line,
        whiskerprops=line,
        capprops=line,
        medianprops=line,
    )
    means = [values.mean() for values in own]
    axes.plot(present, means, "D", color=theme.second, markersize=5, label="mean")
    for digit, mean in zip(present, means, strict=True):
        axes.annotate(
            f"{mean:.0f}",
            (digit, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=theme.second,
        )
    highest = 1.15 * float(np.quantile(lengths_ms, 0.995))
    n_beyond = int((lengths_ms > highest).sum())
    beyond = f", {n_beyond:,} longer clips not shown" if n_beyond else ""
    axes.set(xlabel=f"digit{beyond}", ylabel="length (ms)", xticks=present, ylim=(0, highest))
    axes.set_xticklabels([str(digit) for digit in present])
    axes.grid(axis="y")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), fontsize=9)
    return figure


def levels_figure(figures: ClipFigures, theme: Theme) -> Figure:
    """Draw each speaker's levels, clipped clips and DC offset; of many speakers, evenly chosen ones."""
    speakers, inverse = np.unique(figures.corpus.speakers, return_inverse=True)
    chosen = np.unique(np.linspace(0, len(speakers) - 1, min(len(speakers), _SPEAKERS_SHOWN)).astype(int))
    own = [np.flatnonzero(inverse == speaker) for speaker in chosen]
    figure = new_figure(6.4)
    levels, clipping, offset = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 1))
    places = np.arange(len(chosen))
    for values, colour, label in (
        (figures.peak_db, theme.second, "peak"),
        (figures.rms_db, theme.first, "loudness (RMS)"),
        (figures.noise_floor_db, theme.third, "noise floor"),
    ):
        low, middle, high = np.array([np.quantile(values[clips], (0.1, 0.5, 0.9)) for clips in own]).T
        levels.vlines(places, low, high, color=colour, linewidth=2, alpha=0.45)
        levels.plot(places, middle, "o", color=colour, markersize=4, label=label)
    levels.set_ylabel("dB of full scale\n(median, 10-90 %)")
    levels.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9)
    clipping.bar(places, [100 * np.mean(figures.clipped_share[clips] > 0) for clips in own], color=theme.first)
    clipping.set_ylabel("clips with\nclipping (%)")
    clipping.set_ylim(0, max(1.0, clipping.get_ylim()[1]))
    offset.bar(places, [100 * np.median(figures.dc_offset[clips]) for clips in own], color=theme.first)
    offset.set_ylabel("DC offset\n(% full scale)")
    for axes in (levels, clipping, offset):
        axes.grid(axis="y")
    _name_ticks(offset, speakers[chosen].tolist())
    offset.set_xlabel("speaker" if len(chosen) == len(speakers) else f"speaker ({len(chosen)} of {len(speakers):,})")
    return figure


def silence_figure(figures: ClipFigures, theme: Theme) -> Figure:
    """Draw how much silence there is before and after the word, over all clips and by digit."""
    figure = new_figure(4.6)
    overall, by_digit = figure.subplots(2, 1)
    both = np.concatenate([figures.leading_ms, figures.trailing_ms])
    longest = max(50.0, float(np.quantile(both, 0.995)))
    bins = np.arange(0, longest + 10, 10 * max(1, round(longest / 600)))
    digits = np.arange(len(CLASSES))
    for values, colour, label, side in (
        (figures.leading_ms, theme.first, "before the word", -0.2),
        (figures.trailing_ms, theme.second, "after the word", 0.2),
    ):
        overall.hist(np.minimum(values, bins[-1]), bins=list(bins), color=colour, alpha=0.6, label=label)
        own = [values[figures.corpus.digits == digit] for digit in digits]
        means = [float(of_digit.mean()) if len(of_digit) else 0.0 for of_digit in own]
        by_digit.bar(digits + side, means, width=0.38, color=colour)
    overall.set(xlabel="silence (ms)", ylabel="clips (log scale)", yscale="log")
    overall.legend(fontsize=9)
    by_digit.set(xlabel="digit", ylabel="mean silence (ms)", xticks=digits)
    for axes in (overall, by_digit):
        axes.grid(axis="y")
    return figure


def speakers_figure(speakers_by: dict[str, dict[str, int]], theme: Theme) -> Figure:
    """Draw speakers by age, gender, origin, room and whatever else is known."""
    figure = new_figure(2.3 * -(-len(speakers_by) // 2))
    panels = list(figure.subplots(-(-len(speakers_by) // 2), 2, squeeze=False).flat)
    for axes in panels[len(speakers_by) :]:
        axes.set_axis_off()
    for axes, (name, counts) in zip(panels, speakers_by.items(), strict=False):
        axes.set_title(f"speakers by {name}")
        years = [int(age) for age, count in counts.items() for _ in range(count) if age.isdecimal()]
        if name == "age" and years:
            axes.hist(years, bins=range(min(years), max(years) + 3, 2), color=theme.first)
            unknown = sum(counts.values()) - len(years)
            axes.set(xlabel="years" + (f" ({unknown} unknown)" if unknown else ""), ylabel="speakers")
            axes.grid(axis="y")
        else:
            bars(axes, _countries(counts) if name == "origin" else counts, theme, most=5)
    return figure


def _countries(counts: dict[str, int]) -> dict[str, int]:
    """Join origins written as continent, country, town by country."""
    joined: dict[str, int] = {}
    for origin, count in counts.items():
        country = origin.split(",")[1 if "," in origin else 0].strip()
        joined[country] = joined.get(country, 0) + count
    return joined


def _name_ticks(axes: Any, names: list[str]) -> None:
    if len(names) <= _MOST_BARS:
        axes.set_xticks(range(len(names)), names)
    elif len(names) <= _NAMES_SHOWN:
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    else:
        step = -(-len(names) // _NAMES_SHOWN)
        axes.set_xticks(range(0, len(names), step), names[::step], rotation=90, fontsize=8)
