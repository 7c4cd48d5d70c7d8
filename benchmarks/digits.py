"""Measure a run on Speech Commands and make it the model that ships: python benchmarks/digits.py RUN [--ship]

Train the run with 'make model', or with the command in docs/results.md.
"""

import argparse
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import other_words
from audiomnist.audio import read, resample
from audiomnist.corpus import scan
from audiomnist.evaluation.intervals import overall
from audiomnist.inference.export import export
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.runs.folder import RunFolder
from audiomnist.runs.record import Environment
from audiomnist.runs.scores import Estimate
from audiomnist.synthesis.espeak import SAMPLE_RATE_HZ, utter
from audiomnist.synthesis.voices import cast
from audiomnist.training.checkpoint import TrainedModel, load_model, save_model
from audiomnist.training.no_digit import split_logits
from audiomnist.training.recordings import find_recordings, silent_waves

MODELS = Path(__file__).parent.parent / "audiomnist" / "models"
NEAR_WORDS = ("for", "tree", "ate", "won", "to", "nein", "sex", "fife")
N_VOICES = 12
MISSES = (0.01, 0.02, 0.05, 0.1, 0.2)  # of the digits, at other thresholds
LICENCE = (
    "MIT, as the program. Trained on Speech Commands (Pete Warden, arXiv 1804.03209; CC BY 4.0), the Free Spoken Digit "
    "Dataset (Jakobovski et al.; CC BY-SA 4.0), and speech made by eSpeak NG and Flite."
)
UNHEARD_NOISES = ("dude_miaowing.flac", "running_tap.flac")  # not trained on


@dataclass(frozen=True)
class Measured:
    """What a model does on the test part of Speech Commands.

    Attributes
    ----------
    by_digit : dict of str to float
        Accuracy of each digit.
    misses : float
        Share of the digits that are taken for no digit.
    false_accepts : dict of str to tuple of int and int
        Recordings of each kind that are taken for a digit, and all of them.
    auroc : dict of str to float
        Of each kind against the digits.
    thresholds : list of float
        Those that miss each share in ``MISSES`` of these digits.
    at_thresholds : dict of str to list of float
        Share of each kind that is taken for a digit at each of them.
    """

    accuracy: Estimate
    by_digit: dict[str, float]
    misses: float
    false_accepts: dict[str, tuple[int, int]]
    auroc: dict[str, float]
    thresholds: list[float]
    at_thresholds: dict[str, list[float]]


def measure(recognizer: TorchRecognizer, speech_commands: Path) -> Measured:
    """Test on speakers who were not trained on, and on what is no digit."""
    corpus = scan(speech_commands / "digits.csv")
    clips = np.flatnonzero(corpus.columns["split"] == "test")
    logits = recognizer.logits([_wave(corpus.file(clip), recognizer) for clip in clips.tolist()])
    of_digits, scores = split_logits(logits, 10)
    correct = of_digits.argmax(1) == corpus.digits[clips]
    threshold = recognizer.model.no_digit.threshold if recognizer.model.no_digit else -np.inf
    others = {
        kind: split_logits(recognizer.logits(waves), 10)[1] for kind, waves in _others(recognizer, speech_commands)
    }
    thresholds = [float(np.sort(scores)[int(misses * len(scores))]) for misses in MISSES]
    return Measured(
        overall(correct, corpus.speakers[clips]),
        {str(digit): float(correct[corpus.digits[clips] == digit].mean()) for digit in range(10)},
        float((scores < threshold).mean()),
        {kind: (int((other >= threshold).sum()), len(other)) for kind, other in others.items()},
        {kind: _auroc(scores, other) for kind, other in others.items()},
        thresholds,
        {kind: [float((other >= line).mean()) for line in thresholds] for kind, other in others.items()},
    )


def _others(recognizer: TorchRecognizer, speech_commands: Path) -> list[tuple[str, list[NDArray[np.float32]]]]:
    rate = recognizer.answering.sample_rate
    words = [_wave(file, recognizer) for file in find_recordings(str(speech_commands / "words.csv"), "test")]
    folder = speech_commands / "_background_noise_"
    noises = [_wave(folder / name, recognizer) for name in UNHEARD_NOISES]
    near: dict[str, list[NDArray[np.float32]]] = {word: [] for word in NEAR_WORDS}
    for voice in cast(1)[:N_VOICES]:
        for word in NEAR_WORDS:
            spoken = utter(word, voice.variant, voice.accent, pitch=50, pitch_range=50, rate_wpm=150, noise_seed=1)
            near[word].append(resample(spoken.astype(np.float32) / 2**15, SAMPLE_RATE_HZ, rate))
    further: dict[str, list[NDArray[np.float32]]] = {"word": [], "phrase": []}
    for name, clip in other_words.recordings(held_out=True):
        kind = "phrase" if name.startswith("phrase") else "word"
        further[kind].append(resample(clip, other_words.SAMPLE_RATE_HZ, rate))
    same = ("for", "ate", "won", "to")
    return [
        ("the eight other words trained on, new speakers", words),
        (f"synthetic: {len(other_words.HELD_OUT.split())} words not trained on, other voices", further["word"]),
        (f"synthetic: phrases of {other_words.N_WORDS_A_PHRASE} such words", further["phrase"]),
        (
            "noise, not trained on",
            [wave[start : start + rate] for wave in noises for start in range(0, len(wave) - rate, rate)],
        ),
        ("silence, hum, clicks", silent_waves(rate, seed=1)),
        ("synthetic, sound like digits: " + ", ".join(same), [wave for word in same for wave in near[word]]),
        *((f"synthetic: {word}", near[word]) for word in NEAR_WORDS if word not in same),
    ]


def _wave(file: Path, recognizer: TorchRecognizer) -> NDArray[np.float32]:
    return resample(*read(file), recognizer.answering.sample_rate)


def _auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return how often a digit has the higher score of two: the area under the curve of Mann and Whitney."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left") + np.searchsorted(order, positive, "right")
    return float(below.mean() / 2 / len(negative))


def with_names(model: TrainedModel) -> TrainedModel:
    """Return the model with the names of the places that it was trained on, in place of where these were."""
    config = model.config.with_places(lambda places: (Path(place).name for place in places))
    return replace(model, config=config)


def card(model: Path, recognizer: TorchRecognizer, measured: Measured, made: Environment) -> str:
    """Return the model's card, Markdown."""
    config, trained = recognizer.model.config, recognizer.model
    assert trained.no_digit is not None
    n_parameters = sum(parameter.numel() for parameter in trained.network.parameters())
    digits = " ".join(f"{accuracy:.2f}" for accuracy in measured.by_digit.values())
    kinds = "\n".join(
        f"| {kind} | {n} | {measured.auroc[kind]:.3f} | {_cells([accepted / n, *measured.at_thresholds[kind]])} |"
        for kind, (accepted, n) in measured.false_accepts.items()
    )
    estimate, no_digit = measured.accuracy, trained.no_digit
    n_words = len(other_words.TRAINED_ON.split())
    interval = f"95 % interval {estimate.low:.2f}-{estimate.high:.2f}, {estimate.n_speakers} speakers"
    return f"""# The model `digits`

Recognises one spoken English digit in up to a second of sound, or says that it heard none.

| | |
|---|---|
| file | `digits.safetensors`, {model.stat().st_size:,} bytes |
| SHA-256 | `{hashlib.sha256(model.read_bytes()).hexdigest()}` |
| classes | {", ".join(trained.classes)} |
| parameters | {n_parameters:,} |
| window | {config.window.clip_ms} ms at {config.features.sample_rate} Hz |
| no digit | method `{no_digit.method}`, threshold {no_digit.threshold:.4f} |
| temperature | {trained.temperature:.4f} |
| configuration | `configs/digits.yaml`, seed {config.seed} |
| made by `make model` of | commit {made.git}, torch {made.libraries["torch"]}, {made.processor} |

The threshold misses {no_digit.misses:.0%} of {no_digit.n_fitted} validation clips, by speakers who were not trained on.

## Trained on

- Speech Commands (Pete Warden, arXiv 1804.03209; CC BY 4.0): the training part of a selection, zero to five and eight
  by about 1,100 speakers; eight other words and four recordings of noise as "no digit".
- Free Spoken Digit Dataset (Jakobovski et al.; CC BY-SA 4.0): 3,000 recordings of six speakers.
- 2,400 synthetic clips: 24 voices of eSpeak NG, and 24 of Flite, which are built from recordings of four people.
- 2,700 synthetic recordings of {n_words} further words and of phrases of them as "no digit", by the same voices and 12
  more.

## Measured on the test part of that selection of Speech Commands, by other speakers

Accuracy {estimate.accuracy:.3f} on {estimate.n} clips ({interval}).
By digit, zero to nine: {digits}.
Six, seven and nine have about ten clips each there, and in training no real speakers but the six of FSDD.
At the threshold {measured.misses:.3f} of these digits are taken for no digit.

What is no digit, and the share of it that is taken for one, at the model's threshold and at others:

| | recordings | AUROC | at the threshold | {" | ".join(f"at {line:.2f}" for line in measured.thresholds)} |
|---|---|---|---|{"---|" * len(MISSES)}
{kinds}
| digits missed | | | {_cells([measured.misses, *MISSES])} |

"For", "ate", "won" and "to" sound like digits, so they are not to be told apart by sound.

## Not known

How it does on children, on languages other than English, far from the microphone, on AudioMNIST's recordings, and in
noise louder than the voice. It was not tested on speakers with a strong accent as such.
"""


def _cells(shares: list[float]) -> str:
    return " | ".join(f"{share:.3f}" for share in shares)


def main() -> None:
    """Print the card, and put model and card into the package if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--speech-commands", type=Path, default=Path("data/speech_commands"))
    parser.add_argument("--ship", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    run = RunFolder.open(arguments.run)
    loaded = load_model(run.require_model(), torch.device("cpu"))
    model = replace(with_names(loaded), licence=LICENCE)
    recognizer = TorchRecognizer(model, torch.device("cpu"))
    folder = MODELS if arguments.ship else arguments.run
    file = folder / "digits.safetensors"
    save_model(model, file)
    export(model, folder / "digits.onnx", "onnx")
    assert run.record is not None
    assert run.record.environment is not None
    text = card(file, recognizer, measure(recognizer, arguments.speech_commands), run.record.environment)
    file.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
