"""One page that holds everything: it loads nothing, and reads well on a phone, by day and by night."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from audiomnist import __version__
from audiomnist.evaluation.analysis.conclusions import Conclusion

_STYLE = """
:root { color-scheme: light dark; --page: #f6f8fa; --card: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d0d7de;
  --mark: #c8553d; --calm: #2a6fbb; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9198a1;
  --line: #3d444d; --mark: #f08c72; --calm: #6cb0f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.7rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0; } p { margin: .25rem 0 0; } .soft, figcaption p { color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: 1rem 0 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem; }
.facts b { display: block; font-size: 1.4rem; line-height: 1.2; }
.findings { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.findings .card { border-left: 4px solid var(--calm); overflow-wrap: anywhere; }
.findings .matters { border-left-color: var(--mark); }
.pictures { columns: 2; column-gap: .9rem; }
figure { margin: 0 0 .9rem; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; margin-top: .6rem; }
figcaption p { font-size: .9rem; }
.wide { overflow-x: auto; margin-bottom: .9rem; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } td { font-variant-numeric: tabular-nums; }
summary { cursor: pointer; font-weight: 600; } li { overflow-wrap: anywhere; }
@media (max-width: 800px) { .pictures { columns: 1; } .card { padding: .7rem .75rem; } }
"""


@dataclass(frozen=True)
class Picture:
    """A picture as PNG, for a light and for a dark page."""

    name: str
    title: str
    caption: str
    light: bytes
    dark: bytes


def page(name: str, summary: Mapping[str, Any], conclusions: Iterable[Conclusion], pictures: Iterable[Picture]) -> str:
    """Return the report as HTML."""
    body = [
        f"<h1>{escape(name)}</h1>",
        '<p class="soft">What is in this corpus, and what follows for training.</p>',
        _facts(summary),
        "<h2>What follows for training</h2>",
        f'<div class="findings">{"".join(map(_conclusion, conclusions))}</div>',
        "<h2>Pictures</h2>",
        f'<div class="pictures">{"".join(map(_picture, pictures))}</div>',
        "<h2>Figures</h2>",
        _lengths(summary),
        _signals(summary),
        _unreadable(summary["unreadable"]),
        f'<p class="soft">audiomnist {escape(__version__)}. The same figures for programs: analysis.json</p>',
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(name)}: analysis</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


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
    facts = {
        "clips": f"{summary['clips']:,}",
        "speakers": f"{summary['speakers']:,}",
        "minutes": f"{summary['seconds'] / 60:,.0f}",
        "median length": f"{median_ms:,.0f} ms",
        **format_names(summary),
    }
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span class="soft">{escape(label)}</span></div>'
        for label, value in facts.items()
    )
    return f'<div class="facts">{cards}</div>'


def _conclusion(conclusion: Conclusion) -> str:
    mark = " matters" if conclusion.matters else ""
    text = conclusion.text[0].upper() + conclusion.text[1:]
    return f'<div class="card{mark}"><h3>{escape(conclusion.heading)}</h3><p>{escape(text)}</p></div>'


def _picture(picture: Picture) -> str:
    light, dark = (f"data:image/png;base64,{base64.b64encode(png).decode()}" for png in (picture.light, picture.dark))
    width, height = (int.from_bytes(picture.light[start : start + 4]) for start in (16, 20))
    return (
        f'<figure class="card"><figcaption><h3>{escape(picture.title)}</h3>'
        f"<p>{escape(picture.caption)}</p></figcaption>"
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" width="{width}" height="{height}" alt="{escape(picture.title)}"></picture></figure>'
    )


def _lengths(summary: Mapping[str, Any]) -> str:
    rows = {"all": summary["length_ms"], **summary["length_ms_by_digit"]}
    columns = ("mean", "min", "p1", "p5", "p25", "median", "p75", "p95", "p99", "max")
    cells = {name: [f"{values[column]:,.0f}" for column in columns] for name, values in rows.items()}
    return _table("Length by digit (ms)", ("digit", *columns), cells, opened=True)


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
    return _table("Sound by speaker (medians)", ("speaker", *columns), cells)


def _table(title: str, columns: Iterable[str], rows: Mapping[str, list[str]], *, opened: bool = False) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in rows.items()
    )
    state = " open" if opened else ""
    return (
        f'<details class="card wide"{state}><summary>{escape(title)}</summary>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></details>"
    )


def _unreadable(faults: list[str]) -> str:
    if not faults:
        return ""
    lines = "".join(f"<li>{escape(fault)}</li>" for fault in faults)
    return f'<details class="card wide"><summary>Left out: {len(faults):,} clips</summary><ul>{lines}</ul></details>'
