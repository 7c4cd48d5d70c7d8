"""Pages and model cards from templates: pages hold everything themselves, and what is put into them is text."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from audiomnist import __version__
from audiomnist.errors import printable
from audiomnist.reports.drawing import svg
from audiomnist.reports.sentences import given
from audiomnist.reports.table import markdown_table, markdown_text
from audiomnist.reports.wording import accuracy, interval, number


def page(template: str, **values: Any) -> str:
    """Return an HTML page."""
    return _PAGES.get_template(template).render(program=__version__, **values)


def card(template: str, **values: Any) -> str:
    """Return a Markdown document."""
    return _CARDS.get_template(template).render(program=__version__, **values)


def _shown(value: Any) -> Any:
    return printable(value) if type(value) is str else value


def _markdown(value: Any) -> Any:
    """Return a text so that Markdown shows it as it stands; what is Markdown already stays."""
    return markdown_text(value) if type(value) is str else value


def _lines(text: str) -> Markup:
    """Return a text of several lines as HTML that keeps them."""
    return Markup("\n").join(escape(printable(line)) for line in text.splitlines())


def _code(text: str) -> Markup:
    """Return a text as HTML in which what stands in backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(printable(text)))))


_PAGES = Environment(
    loader=PackageLoader("audiomnist.reports"),
    autoescape=True,
    finalize=_shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters |= {"accuracy": accuracy, "number": number, "interval": interval, "zip": zip, "given": given}
_PAGES.filters |= {"code": _code, "lines": _lines, "drawing": lambda figure: Markup(svg(figure))}
_CARDS = _PAGES.overlay(autoescape=False, finalize=_markdown)
_CARDS.filters = _PAGES.filters | {"table": lambda table: Markup(markdown_table(table))}
