"""The model card: what others have to know before they use a network.

Its sections are those of Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

import re

from audiomnist import __version__
from audiomnist.reports.run import tables, words
from audiomnist.reports.run.facts import Facts
from audiomnist.reports.run.tables import Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")
_CODE = re.compile(r"(`[^`]*`)")


def card(facts: Facts) -> str:
    """Return the model card as Markdown."""
    interval = facts.metrics["interval"]
    sections: dict[str, list[str | Table]] = {
        "What it is": _what(facts),
        "Intended use and limits": _use(facts),
        "Training data": [words.data(facts), tables.data(facts)],
        "How it was tested": [words.voices(facts), *([words.watched(facts)] if facts.histories else [])],
        "Accuracy": [
            f"{interval['accuracy']:.2%} of {interval['n']:,} test clips are heard right. {words.trust(interval)}",
            *_of_folds(facts),
        ],
        "Groups": [words.worst(facts), *tables.groups(facts)],
        "Calibration": [
            f"Expected calibration error {facts.metrics['calibration']['ece']:.4f}. {words.temperature(facts)}",
            tables.coverage(facts),
        ],
        "Robustness": [
            words.robustness(facts),
            *([] if facts.robustness is None else [tables.robustness(facts.robustness)]),
        ],
        **({"Other corpora": [tables.evaluations(facts)]} if facts.evaluations else {}),
        "What was not measured": ["\n".join(f"- {line}" for line in words.not_measured(facts))],
        "How to reproduce": _reproduce(facts),
    }
    blocks = [f"# {_text(words.title(facts))}"]
    for heading, content in sections.items():
        blocks += [f"## {heading}", *map(_block, content)]
    return "\n\n".join(blocks) + "\n"


def _what(facts: Facts) -> list[str | Table]:
    config = facts.config
    n_parameters = facts.results[0]["n_parameters"]
    nets = f"{len(facts.folds)} networks, one per fold, each" if facts.folds else "A convolutional network"
    return [
        f"{nets} of {n_parameters:,} parameters ({config.model.name}), version {config.version} of audiomnist. "
        f"It recognises {words.task(facts)}.",
        f"It takes mono sound at {config.features.sample_rate:,} Hz, {config.window.clip_ms} ms of it, as "
        f"{config.features.n_mels} mel bands, and returns a probability for each class.",
    ]


def _use(facts: Facts) -> list[str | Table]:
    config = facts.config
    own = " and of voices like those it was trained on" if not facts.unseen_speakers else ""
    return [
        f"For recordings of one spoken word each, recorded like those of {words.place(config.data)}{own}: teaching, "
        "experiments, comparing methods.",
        f"Not for running speech, other words or other languages than it was trained on: it always answers one of its "
        f"classes, and what lies beyond {config.window.clip_ms} ms is cut off. Not for deciding about people. "
        "Listen to your own recordings and test on them first: `audiomnist evaluate RUN --data PLACE`.",
    ]


def _of_folds(facts: Facts) -> list[str]:
    if not facts.folds:
        return []
    mean, deviation = facts.metrics["accuracy_mean"], facts.metrics["accuracy_std"]
    return [f"Mean and standard deviation over {len(facts.folds)} folds: {mean:.2%} ± {deviation:.2%}."]


def _reproduce(facts: Facts) -> list[str | Table]:
    verb = "kfold" if facts.folds else "train"
    metrics = facts.metrics
    return [
        f"    audiomnist {verb} --config config.yaml",
        f"with `config.yaml` of the run folder. Seed {facts.config.seed}, "
        f"audiomnist {metrics.get('audiomnist', 'of unknown version')}, torch {metrics['torch']}, "
        f"device {metrics['device']}; corpus fingerprint {facts.fingerprint}, over names, sizes, times and labels of "
        "the files. On one machine with the same number of threads the weights come out the same bit for bit.",
        f"This card: audiomnist {__version__}; the same figures for programs: `metrics.json`.",
    ]


def _block(content: str | Table) -> str:
    if isinstance(content, Table):
        return _table(content)
    return content if content.startswith("    ") else _text(content)


def _table(table: Table) -> str:
    rows = [f"| {' | '.join(map(_text, (name, *cells)))} |" for name, cells in table.rows.items()]
    head = f"| {' | '.join(map(_text, table.columns))} |"
    rule = f"|---|{'---:|' * (len(table.columns) - 1)}"
    return "\n".join([f"{_text(table.title)}:", "", head, rule, *rows])


def _text(text: str) -> str:
    """Return a text that Markdown shows as it stands, but for what is in backticks."""
    parts = _CODE.split(text)
    return "".join(part if _CODE.fullmatch(part) else _SPECIAL.sub(r"\\\1", part) for part in parts)
