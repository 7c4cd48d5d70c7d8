"""The list of clips whose label looks wrong, and a page to look at them and listen."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiomnist.config import Features
from audiomnist.corpus.scan import Corpus
from audiomnist.corpus.splits import Split
from audiomnist.evaluation.html import data_uri, facts, frame, player
from audiomnist.evaluation.predictions import Predictions
from audiomnist.evaluation.suspects import Suspect, find_suspects, unseen_voices
from audiomnist.features.audio import read
from audiomnist.features.mel import MelPower
from audiomnist.files import atomic_path, write_text
from audiomnist.training.run import RunFolder

if TYPE_CHECKING:
    import torch

LIST, PAGE = "suspects.csv", "suspects.html"
CLIPS_SHOWN = 40
_IN_DOCUMENT = 20
_N_MELS, _WINDOW_S, _HOP_S = 40, 0.032, 0.004
_TOP_DB = 70.0
_RULE = (
    "Each of these clips is heard as something else, and looks no more like its label than clips of other labels do. "
    "The label may be wrong, or the recording: cut off, too quiet, noisy. Mistakes made with most of a speaker's clips "
    "of a label are left out: they are about the voice."
)
_STYLE = """
.clips { display: grid; gap: .9rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.clips figure { margin: 0; display: flex; flex-direction: column; gap: .5rem; overflow-wrap: anywhere; }
.clips figure div { background: #000004; border-radius: 6px; overflow: hidden; }
.clips figure img { margin: 0; height: 7rem; } .clips b { color: var(--mark); } .clips figcaption p { margin: 0; }
.findings { margin-top: .75rem; } .clips { margin-bottom: 1rem; }
"""


@dataclass(frozen=True)
class SuspectList:
    """What a cross validation found.

    Attributes
    ----------
    n_tested : int
        Clips that were judged.
    n_unseen : int
        Those of voices that the network had never heard.
    accuracy : float
        Part of the clips whose label the network says as well.
    """

    suspects: list[Suspect]
    n_tested: int
    n_unseen: int
    accuracy: float
    folder: Path

    @property
    def csv(self) -> Path:
        """All of them, as ``--exclude-file`` takes them."""
        return self.folder / LIST

    @property
    def page(self) -> Path:
        """The first of them, to look at and listen to."""
        return self.folder / PAGE

    @property
    def judged_by(self) -> str:
        """What is to be known of the networks that judged."""
        if not self.n_unseen:
            return (
                "Known voices: every clip was judged by a network that was not trained on it, but on other clips of "
                "its speaker. A label that such a network rules out is seldom right."
            )
        some = "every clip" if self.n_unseen == self.n_tested else f"{self.n_unseen:,} of {self.n_tested:,} clips"
        return (
            f"Unseen voices: a network that never heard the speaker judged {some}. It takes one word for another more "
            f"often, and so suspects right labels more often; here it agrees with {self.accuracy:.1%} of the labels. "
            "Listen before you leave clips out. Folds at random suspect fewer."
        )

    def as_json(self) -> dict[str, Any]:
        """Return plain values: how many, the first of them, and where the rest is."""
        return {
            "count": len(self.suspects),
            "unseen_voices": self.n_unseen,
            "first": [asdict(suspect) for suspect in self.suspects[:_IN_DOCUMENT]],
            "files": {"csv": str(self.csv), "html": str(self.page)},
        }


def list_suspects(corpus: Corpus, splits: Sequence[Split], run: RunFolder) -> SuspectList:
    """Find the clips whose label looks wrong in a finished cross validation; write list and page, add to the result.

    Parameters
    ----------
    splits : sequence of Split
        Those of the cross validation, in their order.

    Raises
    ------
    DataError
        If a clip that is to be shown cannot be read.
    """
    predictions = Predictions.load(run.predictions)
    unseen = unseen_voices(corpus, splits)
    found = SuspectList(
        suspects=find_suspects(predictions, unseen),
        n_tested=len(predictions),
        n_unseen=int(unseen.sum()),
        accuracy=float(predictions.correct.mean()),
        folder=run.path,
    )
    with atomic_path(found.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Suspect)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(suspect) for suspect in found.suspects)
    write_text(found.page, page(found, corpus))
    write_text(run.metrics, json.dumps(run.load_metrics() | {"suspects": found.as_json()}, indent=1) + "\n")
    return found


def page(found: SuspectList, corpus: Corpus) -> str:
    """Return the page as HTML."""
    shown = found.suspects[:CLIPS_SHOWN]
    clips = [read(corpus.root / suspect.path) for suspect in shown]
    longest_s = max((len(samples) / rate for samples, rate in clips), default=0.0)
    cards = [
        _card(number, suspect, samples, rate, longest_s)
        for number, (suspect, (samples, rate)) in enumerate(zip(shown, clips, strict=True), start=1)
    ]
    name, count = corpus.root.resolve().name, len(found.suspects)
    figures = {
        "clips judged": f"{found.n_tested:,}",
        "labels look wrong": f"{count:,}",
        "of all clips": f"{count / found.n_tested:.1%}",
        "heard as labelled": f"{found.accuracy:.1%}",
    }
    which = f"The first {len(shown)} of {count:,}" if count > len(shown) else "All of them"
    heading = f"{which}, the surest first" if count else "No label looks wrong"
    body = [
        f"<h1>{escape(name)}: labels that look wrong</h1>",
        f'<p class="soft">{escape(_RULE)}</p>',
        facts(figures),
        f'<div class="findings"><div class="card{" matters" if found.n_unseen else ""}">{escape(found.judged_by)}'
        "</div></div>",
        f"<h2>{heading}</h2>",
        f'<div class="clips">{"".join(cards)}</div>',
    ]
    return frame(f"{name}: labels that look wrong", body, files=LIST, style=_STYLE)


def _card(number: int, suspect: Suspect, samples: torch.Tensor, sample_rate: int, longest_s: float) -> str:
    seconds = len(samples) / sample_rate
    picture = data_uri(spectrogram_png(samples, sample_rate), "image/png")
    return (
        f'<figure class="card"><figcaption><h3>{number}. labelled {escape(suspect.label)}, '
        f"heard as <b>{escape(suspect.prediction)}</b></h3>"
        f"<p>{escape(suspect.prediction)} with {escape(_percent(suspect.probability))}, "
        f"{escape(suspect.label)} with {escape(_percent(suspect.label_probability))}</p></figcaption>"
        f'<div><img src="{picture}" style="width:{100 * seconds / longest_s:.1f}%" '
        f'alt="spectrogram: {1000 * seconds:.0f} ms, 0 to {sample_rate / 2000:g} kHz"></div>'
        f"{player(wav(samples, sample_rate))}"
        f"<figcaption><p>{escape(suspect.speaker)}, {suspect.voice} voice, {1000 * seconds:.0f} ms</p>"
        f"<p>{escape(suspect.path)}</p></figcaption></figure>"
    )


def spectrogram_png(samples: torch.Tensor, sample_rate: int) -> bytes:
    """Draw a clip's log-mel spectrogram from 0 Hz to half its sample rate, a pixel per band and 4 ms.

    Parameters
    ----------
    samples : Tensor[L]
    sample_rate : int
        Hz.
    """
    from matplotlib.image import imsave

    decibels = 10 * np.log10(np.maximum(_mel(sample_rate)([samples]).numpy().T, 1e-10))  # (M, N)
    loudest = decibels.max()
    file = io.BytesIO()
    imsave(file, decibels, vmin=loudest - _TOP_DB, vmax=loudest, cmap="magma", origin="lower", format="png")
    return file.getvalue()


def wav(samples: torch.Tensor, sample_rate: int) -> bytes:
    """Return a clip as a WAV file of 16 bits, which every browser plays, whatever the corpus holds.

    Parameters
    ----------
    samples : Tensor[L]
    sample_rate : int
        Hz.
    """
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples.numpy(), sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _percent(probability: float) -> str:
    if probability < 0.0005:
        return "<0.1%"
    return f"{probability:.1%}" if probability < 0.9995 else ">99.9%"


@lru_cache(maxsize=8)
def _mel(sample_rate: int) -> MelPower:
    n_fft = 2 ** round(math.log2(_WINDOW_S * sample_rate))
    hop_length = max(16, round(_HOP_S * sample_rate))
    return MelPower(Features(sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=_N_MELS))
