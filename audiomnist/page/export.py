"""Writing the page: one HTML file with style, scripts, settings and weights inside."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from audiomnist import __version__
from audiomnist.errors import ConfigError
from audiomnist.files import write_text
from audiomnist.inference import sequences
from audiomnist.page.network import described, steps_of, whole_weights
from audiomnist.training import dataset
from audiomnist.training.checkpoint import TrainedModel

MOST_BYTES = 2_000_000
ENGINE = ("front_end.js", "network.js", "recognizer.js")
SCRIPTS = (*ENGINE, "segments.js", "sound.js", "drawing.js", "app.js")
_LISTENING = (  # settings of inference.sequences
    *("HOP_S", "FRAME_S", "LOWEST_HZ", "HIGHEST_HZ", "N_BANDS", "FLOOR_WINDOW_S", "FLOOR_SHARE", "RANGE_DB"),
    *("ABOVE_FLOOR_DB", "CLEAR_DB", "VALLEY_DB", "SHORTEST_S", "SMALLEST_GAP_S", "MARGIN_S", "WORD_S"),
    *("LARGEST_CLOSURE_S", "MOST_STRETCHES", "SKIP_COST"),
)
_TRIMMING = {"background": dataset.BACKGROUND, "speech_db": dataset.SPEECH_DB, "margin": dataset.MARGIN}
_DIGITS = tuple(str(digit) for digit in range(10))


def export_html(model: TrainedModel, out: Path) -> None:
    """Write a model as a page that runs in a browser on its own.

    Raises ConfigError if the page cannot compute the model, or would be too large.
    """
    page = page_of(model)
    if len(page.encode()) > MOST_BYTES:
        raise ConfigError(
            f"the page would take {len(page.encode()) / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f}",
            "export a smaller network, or to --format onnx",
        )
    write_text(out, page)


def page_of(model: TrainedModel) -> str:
    """Return the page."""
    settings, weights, constants = _inside(model)
    style = _text("page.css")
    script = f'"use strict";\n{"".join(_text(name) for name in SCRIPTS)}'
    environment = Environment(loader=PackageLoader("audiomnist", "page"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template("page.html.j2").render(
        title="Say a digit" if set(_DIGITS) <= set(model.classes) else "Say a word",
        classes=model.classes,
        n_parameters=sum(parameter.numel() for parameter in model.network.parameters()),
        rate_khz=model.config.features.sample_rate / 1000,
        program=f"audiomnist {__version__}",
        settings=settings,
        weights=weights,
        constants=constants,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def engine_of(model: TrainedModel) -> str:
    """Return the page's recogniser as one script for other pages.

    Its ``audiomnist.answer(samples)`` takes a Float32Array of any length at ``audiomnist.rate`` (Hz).

    Raises ConfigError if it cannot compute the model.
    """
    settings, weights, constants = _inside(model)
    scripts = "\n".join(map(_text, ENGINE))
    return (
        f'"use strict";\nconst audiomnist = (() => {{\n{scripts}\n'
        f'return Recognizer.of({settings}, "{weights}", "{constants}");\n}})();\n'
    )


def _inside(model: TrainedModel) -> tuple[str, str, str]:
    """Return settings as JSON that cannot end its element, and weights and constants in base64."""
    features, window = model.config.features, model.config.window
    if window.padding == "noise":
        raise ConfigError("the page cannot pad with noise", "export a model with padding silence or blank")
    if features.n_fft & (features.n_fft - 1):
        raise ConfigError(
            f"the page's Fourier transform needs a power of two, n_fft is {features.n_fft}",
            "export a model with an n_fft of 512 or 1024",
        )
    steps = steps_of(model.network)
    settings = {
        "classes": model.classes,
        "temperature": model.temperature,
        "features": features.model_dump(mode="json"),
        "window": window.model_dump(mode="json") | _TRIMMING,
        "no_digit": asdict(model.no_digit) if model.no_digit else None,
        "sequences": {name.lower(): getattr(sequences, name) for name in _LISTENING},
        "steps": [described(step) for step in steps],
    }
    weights, constants = whole_weights(steps)
    return (
        json.dumps(settings).replace("<", "\\u003c"),
        _base64(weights.astype("<i2").tobytes()),
        _base64(constants.astype("<f4").tobytes()),
    )


def _text(name: str) -> str:
    return files("audiomnist.page").joinpath(name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hash(text: str) -> str:
    """Return what a content security policy wants to know of an element's text."""
    return f"sha256-{_base64(hashlib.sha256(text.encode()).digest())}"
