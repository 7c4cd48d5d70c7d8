"""What an exported file says of itself, each entry a JSON value under a name of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from audiomnist.audio import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from audiomnist.inference.recognizer import Answering
from audiomnist.training.no_digit import NoDigit


@dataclass(frozen=True)
class Metadata:
    """All that is needed to use an exported network, and where it comes from.

    Attributes
    ----------
    classes : tuple of str
        What the probabilities stand for.
    sample_rate : int
        Hz, of the waveforms it takes.
    window_ms : int
        The most of a waveform that is looked at.
    temperature : float
        What logits are divided by before the softmax; done inside.
    no_digit : NoDigit, optional
        A waveform whose score is below the threshold holds none of the classes.
    version, licence : str
    weights_sha256 : str
        Of the names and values of the network's tensors, in the order of the names.
    audiomnist : str
        Version of the program that exported it.
    """

    classes: tuple[str, ...]
    sample_rate: int
    window_ms: int
    temperature: float
    no_digit: NoDigit | None
    version: str
    licence: str
    weights_sha256: str
    audiomnist: str

    @property
    def answering(self) -> Answering:
        """How its logits become answers."""
        return Answering(self.classes, self.sample_rate, self.temperature, self.no_digit)

    def as_strings(self) -> dict[str, str]:
        """Return the entries as they are written."""
        return {name: json.dumps(value) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, entries: Mapping[str, str]) -> Metadata:
        """Read the entries of a file.

        Raises
        ------
        KeyError, ValueError, TypeError
            If they are not those of an export.
        """
        values = {name: json.loads(entries[name]) for name in cls.__dataclass_fields__}
        kinds = {
            "classes": list,
            "sample_rate": int,
            "temperature": float | int,
            "no_digit": dict | None,
            "version": str,
        }
        if wrong := [name for name, kind in kinds.items() if not isinstance(values[name], kind)]:
            raise ValueError(f"{wrong[0]} is {values[wrong[0]]!r}")
        if not LOWEST_RATE_HZ <= values["sample_rate"] <= HIGHEST_RATE_HZ:
            raise ValueError(f"a sample rate of {values['sample_rate']:,} Hz")
        if not all(isinstance(name, str) for name in values["classes"]):
            raise ValueError("classes that are no text")
        no_digit = NoDigit(**values["no_digit"]) if values["no_digit"] else None
        return cls(**values | {"classes": tuple(values["classes"]), "no_digit": no_digit})
