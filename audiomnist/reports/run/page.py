"""The page of a run: how good it is, how far that can be trusted, and what it mishears."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from audiomnist.reports import clip_cards
from audiomnist.reports.clip_cards import Sound
from audiomnist.reports.html import facts as fact_cards
from audiomnist.reports.html import figure, frame, table
from audiomnist.reports.run import pictures, tables, words
from audiomnist.reports.run.facts import Facts
from audiomnist.reports.run.tables import Table
from audiomnist.runs.results import Misclassified

_STYLE = """
.first { margin-top: 1rem; border-left: 4px solid var(--calm); overflow-wrap: anywhere; }
.first b { font-size: 2.4rem; line-height: 1.1; margin-right: .4rem; }
.pair { display: grid; gap: .9rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.pair > * { min-width: 0; margin: 0; }
.pair + .pair, .pair + .clips, .pair + p, p + .pair, p + .clips { margin-top: .9rem; }
pre { overflow-x: auto; font-size: .85rem; margin: .6rem 0 0; } ul { margin: 0; padding-left: 1.2rem; }
"""


def page(facts: Facts, misheard: Sequence[Misclassified], sounds: Sequence[Sound | None]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    misheard : sequence of Misclassified
        The surest mistakes.
    sounds : sequence of Sound or None
        Their recordings, None where there is none to be had.
    """
    title = words.title(facts)
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">Recognises {escape(words.task(facts))}.</p>',
        _first(facts),
        fact_cards(tables.at_a_glance(facts)),
        *_section("What was not measured", _points(words.not_measured(facts))),
        *_section("Data", _prose(words.data(facts)), _tables([tables.data(facts)])),
        *_section("Setting", _setting(facts)),
        *_section(
            "Learning and mistakes",
            _prose(words.watched(facts)) if facts.histories else "",
            _pair([*([figure(pictures.curves(facts))] if facts.histories else []), figure(pictures.confusion(facts))]),
        ),
        *_section("Groups", _prose(words.worst(facts)), _tables(tables.groups(facts))),
        *_section(
            "Calibration",
            _prose(words.temperature(facts)),
            _pair([figure(pictures.reliability(facts)), _table(tables.coverage(facts))]),
        ),
        *_section("Robustness", _prose(words.robustness(facts)), _robustness(facts)),
        *(_section("Other corpora", _tables([tables.evaluations(facts)])) if facts.evaluations else ()),
        *_section("The surest mistakes", _prose(words.mistakes(facts, sounds)), clip_cards.cards(misheard, sounds)),
    ]
    return frame(f"{title}: report", body, files="metrics.json", style=clip_cards.STYLE + _STYLE)


def _first(facts: Facts) -> str:
    of = facts.metrics["interval"]
    return (
        f'<div class="card first"><b>{of["accuracy"]:.2%}</b>of {of["n"]:,} test clips are heard right'
        f"{''.join(map(_prose, (words.trust(of), words.voices(facts), words.worst(facts))))}</div>"
    )


def _section(heading: str, *content: str) -> tuple[str, ...]:
    return (f"<h2>{heading}</h2>", *content)


def _prose(text: str) -> str:
    return f"<p>{_code(text)}</p>"


def _points(lines: Iterable[str]) -> str:
    return f'<div class="card"><ul>{"".join(f"<li>{_code(line)}</li>" for line in lines)}</ul></div>'


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _setting(facts: Facts) -> str:
    yaml = escape(facts.config.to_yaml())
    return f'<details class="card"><summary>config.yaml</summary><pre>{yaml}</pre></details>'


def _robustness(facts: Facts) -> str:
    if facts.robustness is None:
        return ""
    drawn = "".join(map(figure, pictures.distortions(facts.robustness)))
    legend = _prose("Accuracy by strength. Dashed: undistorted; dotted: guessing.")
    return f'{_tables([tables.robustness(facts.robustness)])}{legend}<div class="pair small">{drawn}</div>'


def _pair(content: Iterable[str]) -> str:
    return f'<div class="pair">{"".join(content)}</div>'


def _tables(content: Iterable[Table]) -> str:
    return _pair(map(_table, content))


def _table(of: Table) -> str:
    return table(of.title, of.columns, of.rows, opened=len(of.rows) <= tables.LONG)
