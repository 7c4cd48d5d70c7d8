"""Where corpora are: a path, or the name of one in the data folder."""

from pathlib import Path

from audiomnist.errors import DataError, did_you_mean
from audiomnist.files import home

GET_IT = {
    "audiomnist": "audiomnist download audiomnist",
    "fsdd": "audiomnist download fsdd",
    "speech-commands": "audiomnist download speech-commands",
    "synthetic": "audiomnist synth",
}


def data_folder() -> Path:
    """Folder of the named corpora and the feature stores."""
    return home() / "data"


def locate(place: str) -> Path:
    """Return the folder or manifest file that ``place`` means: a name of ``GET_IT`` in the data folder, or else a path.

    Raises DataError if nothing is there; the hint is the one command that gets it.
    """
    if place in GET_IT:
        path = data_folder() / place
        if not path.exists():
            raise DataError(f"the corpus '{place}' is not here: {path} does not exist", f"get it with: {GET_IT[place]}")
        return path
    path = Path(place).expanduser()
    if not path.exists():
        guess = did_you_mean(place, GET_IT)
        raise DataError(
            f"there is no corpus at {path}",
            guess or f"give --data a folder, a manifest file, or one of {', '.join(GET_IT)}",
        )
    return path


def lasting(place: str) -> str:
    """Return a place so that it means the same from any folder: names stay, paths become absolute."""
    path = locate(place)
    return place if path == data_folder() / place else str(path.resolve())


def short_name(place: str) -> str:
    """Return the name of a place's folder, or of its manifest without the suffix."""
    path = locate(place).resolve()
    return path.stem if path.is_file() else path.name
