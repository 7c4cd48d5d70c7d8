"""Pages that hold everything themselves: they load nothing, and read well on a phone, by day and by night."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from audiomnist import __version__

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
summary { cursor: pointer; font-weight: 600; } li { overflow-wrap: anywhere; } audio { display: block; width: 100%; }
code { overflow-wrap: anywhere; }
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


def frame(title: str, body: Iterable[str], *, files: str, style: str = "") -> str:
    """Return a whole page.

    Parameters
    ----------
    body : iterable of str
        HTML.
    files : str
        Where the same figures stand for programs.
    style : str
        Further rules of this page.
    """
    footer = f"audiomnist {escape(__version__)}. The same figures for programs: {escape(files)}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join([*body, f'<p class="soft">{footer}</p>'])
        + "\n</main>\n</body>\n</html>\n"
    )


def facts(values: Mapping[str, str]) -> str:
    """Return a row of cards, each a value above its name."""
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span class="soft">{escape(name)}</span></div>'
        for name, value in values.items()
    )
    return f'<div class="facts">{cards}</div>'


def figure(picture: Picture) -> str:
    """Return a card with a picture that follows the page's light."""
    light, dark = (data_uri(png, "image/png") for png in (picture.light, picture.dark))
    width, height = png_size(picture.light)
    return (
        f'<figure class="card"><figcaption><h3>{escape(picture.title)}</h3>'
        f"<p>{escape(picture.caption)}</p></figcaption>"
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" width="{width}" height="{height}" alt="{escape(picture.title)}"></picture></figure>'
    )


def table(title: str, columns: Iterable[str], rows: Mapping[str, Sequence[str]], *, opened: bool = False) -> str:
    """Return a card that folds, with a table in it; the rows' names are its first column."""
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


def player(wav: bytes) -> str:
    """Return a player for a WAV file that the page holds itself."""
    return f'<audio controls preload="metadata" src="{data_uri(wav, "audio/wav")}"></audio>'


def data_uri(content: bytes, kind: str) -> str:
    """Return a file's content as an address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def png_size(png: bytes) -> tuple[int, int]:
    """Return width and height in pixels, from the header."""
    width, height = (int.from_bytes(png[start : start + 4]) for start in (16, 20))
    return width, height
