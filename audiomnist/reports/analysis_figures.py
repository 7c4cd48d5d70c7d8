"""Figures of what is in a corpus."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from audiomnist.corpus.scan import CLASSES
from audiomnist.evaluation.analysis.clips import Measurements
from audiomnist.evaluation.analysis.conclusions import Cut
from audiomnist.evaluation.analysis.spectra import Example, Spectra, Spectrogram
from audiomnist.evaluation.analysis.summary import Counts
from audiomnist.reports.drawing import FIRST, INK, SECOND, SOFT, bars, drawn, new_figure, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS_PER_DIGIT = 120
_SPEAKERS_SHOWN = 60
_NAMES_SHOWN = 24
_COLUMNS = 2
_DEVIATIONS_SHOWN = 2.5
_LOWEST_DB = -60
_HZ_SHOWN = (500, 2_000, 8_000, 20_000)


@drawn
def counts_figure(counts: Mapping[str, Counts]) -> Figure:
    """Draw clips by digit, by speaker, and by what else is known; where there are equally many of all, say so."""
    several = {name: values for name, values in counts.items() if len(values) > 1}
    is_even = {name: len(set(values.values())) == 1 for name, values in several.items()}
    figure = new_figure(0.3 + sum(0.25 if is_even[name] else 1.7 for name in several))
    panels = figure.subplots(
        max(len(several), 1), 1, squeeze=False, height_ratios=[0.3 if is_even[name] else 1.7 for name in several] or [1]
    )
    for axes, (name, values) in zip(panels[:, 0], several.items(), strict=False):
        if is_even[name]:
            text = f"{next(iter(values.values())):,} clips of each {name}"
            axes.set_axis_off()
            axes.text(0, 0.5, text, va="center", transform=axes.transAxes)
        elif name in {"digit", "speaker"}:
            axes.bar(range(len(values)), list(values.values()), color=FIRST, width=0.8)
            axes.set(title=f"by {name}", ylabel="clips")
            axes.grid(axis="y")
            _name_ticks(axes, list(values))
        else:
            axes.set_title(f"by {name}")
            bars(axes, dict(values), most=4)
    return figure


@drawn
def speakers_figure(speakers_by: Mapping[str, Counts]) -> Figure:
    """Draw speakers by age, gender, origin, room and whatever else is known."""
    figure = new_figure(2 * len(speakers_by))
    panels = figure.subplots(len(speakers_by), 1, squeeze=False)[:, 0]
    for axes, (name, counts) in zip(panels, speakers_by.items(), strict=True):
        axes.set_title(f"speakers by {name}")
        years = [int(age) for age, n in counts.items() for _ in range(n) if age.isdecimal()]
        if name == "age" and years:
            axes.hist(years, bins=range(min(years), max(years) + 3, 2), color=FIRST)
            unknown = sum(counts.values()) - len(years)
            axes.set(xlabel="years" + (f" ({unknown} unknown)" if unknown else ""), ylabel="speakers")
            axes.grid(axis="y")
        else:
            bars(axes, _countries(counts) if name == "origin" else dict(counts), most=5)
    return figure


@drawn
def lengths_figure(measured: Measurements, cuts: Mapping[str, Cut], whole_ms: int) -> Figure:
    """Draw the histogram of clip lengths, the versions' windows, and the one that keeps 99 % whole."""
    figure = new_figure(3.8)
    axes = figure.subplots()
    lengths_ms = measured.lengths_ms
    longest = max(float(np.quantile(lengths_ms, 0.999)), *(cut.clip_ms for cut in cuts.values()), whole_ms) * 1.05
    axes.hist(np.minimum(lengths_ms, longest), bins=60, range=(0, longest), color=FIRST)
    named: dict[int, list[str]] = {}
    for name, cut in cuts.items():
        named.setdefault(cut.clip_ms, []).append(name)
    axes.axvline(whole_ms, color=SECOND, linewidth=1.6, label=f"99 % whole: {whole_ms} ms")
    styles = itertools.cycle(("--", ":", "-."))
    for (clip_ms, names), style in zip(sorted(named.items()), styles, strict=False):
        label = f"{', '.join(names)}: {clip_ms} ms"
        axes.axvline(clip_ms, color=INK, linestyle=style, linewidth=1.3, label=label)
    figure.legend(loc="outside upper center", ncols=2)
    axes.set(xlabel="length (ms)", ylabel="clips", xlim=(0, longest))
    axes.grid(axis="y")
    return figure


@drawn
def length_by_digit_figure(measured: Measurements) -> Figure:
    """Draw each digit's lengths as points with quartiles over them, and its mean."""
    figure = new_figure(3.8)
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    lengths_ms, digits = measured.lengths_ms, measured.corpus.digits
    present = [digit for digit in range(len(CLASSES)) if (digits == digit).any()]
    own = [lengths_ms[digits == digit] for digit in present]
    for digit, values in zip(present, own, strict=True):
        points = rng.choice(values, min(len(values), _POINTS_PER_DIGIT), replace=False)
        across = digit + rng.uniform(-0.3, 0.3, len(points))
        axes.plot(across, points, ".", color=FIRST, markersize=2.5, alpha=0.35, rasterized=True)
    line = {"color": INK, "linewidth": 1.1}
    props = dict.fromkeys(("boxprops", "whiskerprops", "capprops", "medianprops"), line)
    axes.boxplot(own, positions=present, widths=0.5, showfliers=False, **props)  # type: ignore[arg-type]
    means = [float(values.mean()) for values in own]
    axes.plot(present, means, "D", color=SECOND, markersize=4, label="mean, written below")
    for digit, mean in zip(present, means, strict=True):
        place = axes.get_xaxis_transform()  # x is a digit, y is a share of the height
        axes.text(digit, 0.01, f"{mean:.0f}", transform=place, ha="center", fontsize=8, color=SECOND)
    highest = 1.15 * float(np.quantile(lengths_ms, 0.995))
    n_beyond = int((lengths_ms > highest).sum())
    beyond = f", {n_beyond:,} longer clips not shown" if n_beyond else ""
    axes.set(xlabel=f"digit{beyond}", ylabel="length (ms)", ylim=(0, highest))
    axes.set_xticks(present, list(map(str, present)))
    axes.grid(axis="y")
    figure.legend(loc="outside upper center")
    return figure


@drawn
def levels_figure(measured: Measurements) -> Figure:
    """Draw each speaker's levels, and clipped clips and DC offset if there are any; of many speakers, some."""
    speakers, inverse = np.unique(measured.corpus.speakers, return_inverse=True)
    chosen = np.unique(np.linspace(0, len(speakers) - 1, min(len(speakers), _SPEAKERS_SHOWN)).astype(int))
    own = [np.flatnonzero(inverse == speaker) for speaker in chosen]
    clipped = np.array([100 * np.mean(measured.clipped_share[clips] > 0) for clips in own])
    offset = np.array([100 * np.median(measured.dc_offset[clips]) for clips in own])
    further = {"clips with\nclipping (%)": clipped, "DC offset\n(% full scale)": offset}
    shown = {label: values for label, values in further.items() if np.abs(values).max() >= 0.01}
    figure = new_figure(3.8 + 0.9 * len(shown))
    panels = figure.subplots(1 + len(shown), 1, sharex=True, squeeze=False, height_ratios=(3, *[1] * len(shown)))[:, 0]
    places = np.arange(len(chosen))
    for values, colour, label in (
        (measured.peak_db, SECOND, "peak"),
        (measured.rms_db, FIRST, "loudness (RMS)"),
        (measured.noise_floor_db, SOFT, "noise floor"),
    ):
        low, middle, high = np.array([np.quantile(values[clips], (0.1, 0.5, 0.9)) for clips in own]).T
        panels[0].vlines(places, low, high, color=colour, linewidth=2, alpha=0.45)
        panels[0].plot(places, middle, "o", color=colour, markersize=4, label=label)
    panels[0].set_ylabel("dB of full scale\n(median, 10-90 %)")
    for axes, (label, values) in zip(panels[1:], shown.items(), strict=True):
        axes.bar(places, values, color=FIRST)
        axes.set_ylabel(label)
    for axes in panels:
        axes.grid(axis="y")
    _name_ticks(panels[-1], speakers[chosen].tolist())
    panels[-1].set_xlabel("speaker" if len(chosen) == len(speakers) else f"{len(chosen)} of {len(speakers):,} speakers")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


@drawn
def silence_figure(measured: Measurements) -> Figure:
    """Draw how much silence there is before and after the word, over all clips and by digit."""
    figure = new_figure(4.7)
    overall, by_digit = figure.subplots(2, 1)
    both = np.concatenate([measured.leading_ms, measured.trailing_ms])
    longest = max(50.0, float(np.quantile(both, 0.995)))
    bins = np.arange(0, longest + 10, 10 * max(1, round(longest / 600)))
    digits = np.arange(len(CLASSES))
    for values, colour, label, side in (
        (measured.leading_ms, FIRST, "before the word", -0.2),
        (measured.trailing_ms, SECOND, "after the word", 0.2),
    ):
        counts, edges = np.histogram(np.minimum(values, bins[-1]), bins)
        overall.stairs(counts, edges, color=colour, linewidth=1.6, label=label)
        own = [values[measured.corpus.digits == digit] for digit in digits]
        means = [float(of_digit.mean()) if len(of_digit) else 0.0 for of_digit in own]
        by_digit.bar(digits + side, means, width=0.38, color=colour)
    overall.set(xlabel="silence (ms)", ylabel="clips (log scale)", yscale="log")
    overall.yaxis.set_major_formatter("{x:,.0f}")
    overall.yaxis.set_minor_formatter("")
    by_digit.set(xlabel="digit", ylabel="mean silence (ms)", xticks=digits)
    for axes in (overall, by_digit):
        axes.grid(axis="y")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


@drawn
def mean_mel_figure(spectra: Spectra) -> Figure:
    """Draw each digit's mean mel spectrum over the mean of all digits."""
    figure = new_figure(7.4)
    panels = figure.subplots(5, _COLUMNS, sharex=True, sharey=True)
    bands = np.arange(spectra.mean_db.shape[1])
    present = spectra.mean_db[~np.isnan(spectra.mean_db[:, 0])]
    for digit, axes in enumerate(panels.flat):
        axes.plot(bands, present.mean(0), color=SOFT, linewidth=1, label="all digits")
        axes.plot(bands, spectra.mean_db[digit], color=FIRST, linewidth=1.6, label="this digit")
        axes.set_title(CLASSES[digit], fontweight="bold")
        axes.set_xticks(*_hz_ticks(spectra))
        axes.set_ylim(max(_LOWEST_DB, float(present.min())) - 2, 3)
        axes.grid()
    figure.supxlabel("mel band (centre, Hz)", fontsize=10)
    figure.supylabel("dB below the loudest band", fontsize=10)
    figure.legend(*panels.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


@drawn
def gallery_figure(
    spectra: Spectra, examples: tuple[Example, ...], *, by_speaker: bool = False, mfcc: bool = False
) -> Figure:
    """Draw mel spectrograms of clips, or their standardised MFCCs without the first, which is loudness alone."""
    figure, panels = new_panels(len(examples), _COLUMNS, 1.38, 0.5, sharex=True, sharey=True)
    pictures = _standardised([example.mfcc[1:] for example in examples]) if mfcc else [each.mel_db for each in examples]
    lowest, highest = (-_DEVIATIONS_SHOWN, _DEVIATIONS_SHOWN) if mfcc else (None, None)
    longest = max(picture.shape[1] for picture in pictures)
    for axes, example, picture in zip(panels.flat, examples, pictures, strict=False):
        first = 1 if mfcc else 0
        extent = (0, picture.shape[1] * spectra.frame_ms, first - 0.5, first + len(picture) - 0.5)
        image = axes.imshow(picture, origin="lower", aspect="auto", interpolation="nearest", extent=extent)
        image.set(cmap="RdBu_r" if mfcc else "magma", clim=(lowest, highest))
        axes.set_title(example.speaker if by_speaker else CLASSES[example.digit], fontweight="bold")
        axes.set_xlim(0, longest * spectra.frame_ms)
        if not mfcc:
            axes.set_yticks(*_hz_ticks(spectra))
    figure.supxlabel("time (ms)", fontsize=10)
    figure.supylabel("coefficient" if mfcc else "mel band (centre, Hz)", fontsize=10)
    return figure


def _standardised(coefficients: list[Spectrogram]) -> list[Spectrogram]:
    """Give each coefficient mean 0 and deviation 1 over all pictures, or only the lowest would be seen."""
    joined = np.concatenate(coefficients, axis=1)
    mean, deviation = joined.mean(1, keepdims=True), joined.std(1, keepdims=True)
    return [(each - mean) / np.maximum(deviation, 1e-6) for each in coefficients]


def _hz_ticks(spectra: Spectra) -> tuple[list[float], list[str]]:
    shown = [hz for hz in _HZ_SHOWN if hz < spectra.band_hz[-1]]
    places = np.interp(shown, spectra.band_hz, np.arange(len(spectra.band_hz)))
    return places.tolist(), [f"{hz // 1000}k" if hz >= 1000 else str(hz) for hz in shown]


def _countries(counts: Counts) -> dict[str, int]:
    """Join origins written as continent, country, town by country."""
    joined: Counter[str] = Counter()
    for origin, n in counts.items():
        joined[origin.split(",")[1 if "," in origin else 0].strip()] += n
    return joined


def _name_ticks(axes: Axes, names: list[str]) -> None:
    step = -(-len(names) // _NAMES_SHOWN)
    turned = len("".join(names)) > 40
    axes.set_xticks(range(0, len(names), step), names[::step], rotation=90 if turned else 0)
