"""The page of an analysis: what is in a corpus, in figures and pictures."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from audiomnist.evaluation.analysis.conclusions import Conclusion
from audiomnist.reports.html import Picture, facts, figure, frame, table


def page(name: str, summary: Mapping[str, Any], conclusions: Iterable[Conclusion], pictures: Iterable[Picture]) -> str:
    """Return the report as HTML."""
    body = [
        f"<h1>{escape(name)}</h1>",
        '<p class="soft">What is in this corpus, and what follows for training.</p>',
        _facts(summary),
        "<h2>What follows for training</h2>",
        f'<div class="findings">{"".join(map(_conclusion, conclusions))}</div>',
        "<h2>Pictures</h2>",
        f'<div class="pictures">{"".join(map(figure, pictures))}</div>',
        "<h2>Figures</h2>",
        _lengths(summary),
        _signals(summary),
        _unreadable(summary["unreadable"]),
    ]
    return frame(f"{name}: analysis", body, files="analysis.json")


def format_names(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return rates, channels and bit depths as texts, each with its count where there are several."""

    def text(counts: Mapping[str, int], unit: str) -> str:
        if len(counts) == 1:
            return f"{next(iter(counts))}{unit}"
        return ", ".join(f"{value}{unit} ({count:,})" for value, count in counts.items())

    formats = summary["formats"]
    return {
        "sample rate": text(formats["sample_rate"], " Hz"),
        "channels": text(formats["channels"], ""),
        "bit depth": text(formats["bit_depth"], ""),
    }


def _facts(summary: Mapping[str, Any]) -> str:
    median_ms = summary["length_ms"]["median"]
    values = {
        "clips": f"{summary['clips']:,}",
        "speakers": f"{summary['speakers']:,}",
        "minutes": f"{summary['seconds'] / 60:,.0f}",
        "median length": f"{median_ms:,.0f} ms",
        **format_names(summary),
    }
    return facts(values)


def _conclusion(conclusion: Conclusion) -> str:
    mark = " matters" if conclusion.matters else ""
    text = conclusion.text[0].upper() + conclusion.text[1:]
    return f'<div class="card{mark}"><h3>{escape(conclusion.heading)}</h3><p>{escape(text)}</p></div>'


def _lengths(summary: Mapping[str, Any]) -> str:
    rows = {"all": summary["length_ms"], **summary["length_ms_by_digit"]}
    columns = ("mean", "min", "p1", "p5", "p25", "median", "p75", "p95", "p99", "max")
    cells = {name: [f"{values[column]:,.0f}" for column in columns] for name, values in rows.items()}
    return table("Length by digit (ms)", ("digit", *columns), cells, opened=True)


def _signals(summary: Mapping[str, Any]) -> str:
    columns = ("clips", "length ms", "RMS dB", "peak dB", "noise floor dB", "clipped clips", "DC offset %", "lead ms",
               "trail ms")  # fmt: skip
    cells = {
        speaker: [
            f"{of['clips']:,}",
            f"{of['length_ms']:.0f}",
            *(f"{of[name]:.1f}" for name in ("rms_db", "peak_db", "noise_floor_db")),
            f"{of['clipped_clips']:,}",
            f"{100 * of['dc_offset']:.3f}",
            *(f"{of[name]:.0f}" for name in ("leading_ms", "trailing_ms")),
        ]
        for speaker, of in summary["signal_by_speaker"].items()
    }
    return table("Sound by speaker (medians)", ("speaker", *columns), cells)


def _unreadable(faults: list[str]) -> str:
    if not faults:
        return ""
    lines = "".join(f"<li>{escape(fault)}</li>" for fault in faults)
    return f'<details class="card wide"><summary>Left out: {len(faults):,} clips</summary><ul>{lines}</ul></details>'
