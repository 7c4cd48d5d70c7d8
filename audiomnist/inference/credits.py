"""What a network was trained on, and under which licences, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass

from audiomnist.config import Config
from audiomnist.training.checkpoint import TrainedModel

OWN = "own recordings"


@dataclass(frozen=True)
class Credit:
    """A public corpus: whose it is and under which licence, and what the Hugging Face Hub calls it, if it is there."""

    text: str
    dataset: str = ""


CREDITS = {
    "audiomnist": Credit("AudioMNIST (Becker et al., arXiv 1807.03418; MIT)", "gilkeyio/AudioMNIST"),
    "fsdd": Credit("Free Spoken Digit Dataset (Jackson et al.; CC BY-SA 4.0)"),
    "speech-commands": Credit("Speech Commands (Warden, arXiv 1804.03209; CC BY 4.0)", "google/speech_commands"),
    "synthetic": Credit("Synthetic voices, made by eSpeak NG"),
}


def credit_texts(config: Config) -> list[str]:
    """Return what is said of each place; one that is not public is not named."""
    known = (CREDITS[place].text if place in CREDITS else f"{OWN.capitalize()} of its maker" for place in config.places)
    return list(dict.fromkeys(known))


def licence(model: TrainedModel) -> str:
    """Return what a model's maker says of its licence, or else what it was trained on."""
    if model.licence:
        return model.licence
    start = ["Another model, which it started from"] if model.config.start_from else []
    trained_on = "; ".join([*credit_texts(model.config), *start])
    return f"The program: MIT. The weights: not stated by their maker. Trained on: {trained_on}."
