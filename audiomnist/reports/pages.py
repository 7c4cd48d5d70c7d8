"""Pages and model cards from templates: pages hold everything themselves, and what is put into them is text."""

from __future__ import annotations

import base64
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from audiomnist import __version__
from audiomnist.errors import printable
from audiomnist.reports.drawing import svg
from audiomnist.reports.table import markdown_table, markdown_text
from audiomnist.reports.wording import accuracy, interval, number

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from matplotlib.figure import Figure


def drawing(figure: Figure) -> Markup:
    """Return a figure as an ``<svg>`` element of a page."""
    from markupsafe import Markup

    return Markup(svg(figure))


def page(template: str, **values: Any) -> str:
    """Return an HTML page."""
    return _environment().get_template(template).render(program=__version__, **values)


def card(template: str, **values: Any) -> str:
    """Return a Markdown document."""
    return _markdown_environment().get_template(template).render(program=__version__, **values)


def data_uri(content: bytes, kind: str) -> str:
    """Return a file's content as an address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("audiomnist.reports"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "accuracy": accuracy,
        "number": number,
        "interval": interval,
        "zip": zip,
        "code": _code,
        "lines": _lines,
    }
    return environment


@cache
def _markdown_environment() -> Environment:
    from markupsafe import Markup

    environment = _environment().overlay(autoescape=False, finalize=_markdown)
    environment.filters = environment.filters | {"table": lambda table: Markup(markdown_table(table))}
    return environment


def _shown(value: Any) -> Any:
    return printable(value) if type(value) is str else value


def _markdown(value: Any) -> Any:
    """Return a text so that Markdown shows it as it stands; what is Markdown already stays."""
    return markdown_text(value) if type(value) is str else value


def _lines(text: str) -> Markup:
    """Return a text of several lines as HTML that keeps them."""
    from markupsafe import Markup, escape

    return Markup("\n").join(escape(printable(line)) for line in text.splitlines())


def _code(text: str) -> Markup:
    """Return a text as HTML in which what stands in backticks is code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(printable(text)))))
