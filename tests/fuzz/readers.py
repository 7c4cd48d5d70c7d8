"""Every reader of files, with small files to start from: whatever the bytes are, it reads them or gives one reason."""

import io
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from audiomnist.audio import header, read, resample
from audiomnist.config import load, version_path
from audiomnist.config.reading import read_text
from audiomnist.corpus.metadata import read_speakers
from audiomnist.corpus.scan import scan
from audiomnist.download import archive
from audiomnist.errors import AudiomnistError
from audiomnist.evaluation.predictions import Predictions
from audiomnist.runs.record import Record
from audiomnist.runs.results import CrossValidation, EpochRecord, Result
from audiomnist.runs.split_file import SplitFile
from audiomnist.training.checkpoint import TrainedModel, load_model, resume, save_model
from audiomnist.training.models import build_model
from tests.bad_audio import untagged_mp3, wav, written
from tests.download.small_corpora import SMALL_FSDD, repository_files, tar_bytes, zip_bytes

GOLDEN = Path(__file__).parent.parent / "golden" / "runs"
CPU = torch.device("cpu")
SMALL_NETWORK = load(version_path("v2"), ["model.widths=[4,4]"])
archive.MOST_BYTES = 1 << 24  # a bomb is refused before it takes long


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file.

    Attributes
    ----------
    read : callable
        Takes the file.
    names : tuple of str
        Names that the file may have, on which depends how it is read.
    seeds : callable
        Whole files.
    """

    read: Callable[[Path], object]
    names: tuple[str, ...]
    seeds: Callable[[], Iterable[bytes]]

    def __call__(self, content: bytes) -> None:
        """Read any bytes; what is raised beside our own errors, with their reasons, is a fault."""
        for name in self.names:
            with TemporaryDirectory(prefix="fuzz-") as folder:
                file = Path(folder) / name
                file.write_bytes(content)
                reason = ""
                try:
                    self.read(file)
                except AudiomnistError as error:
                    reason = error.message
                assert reason.encode().decode().replace("\n", "").isprintable()


def _sound(file: Path) -> None:
    described = header(file)
    samples, rate = read(file)
    assert described
    assert np.isfinite(samples).all()
    assert len(samples)
    resample(samples[:100_000], rate, 16_000)


def _archive(file: Path) -> None:
    archive.take(
        archive.archive_files(file), file.parent / "out", SMALL_FSDD.place, name="it", progress=lambda *counts: None
    )
    for path in (file.parent / "out").rglob("*"):
        assert path.resolve().is_relative_to(file.parent.resolve())


def _state(file: Path) -> None:
    shutil.copyfile(file, file.with_stem("state.before"))
    resume(file, CPU, lambda state: build_model(SMALL_NETWORK, 10).load_state_dict(state["model"]))


def _documents(file: Path) -> None:
    for kind in (Result, CrossValidation, Record):
        try:
            document = kind.load(file)
        except AudiomnistError:
            continue
        document.save(file.with_name("again.json"))
        assert kind.load(file.with_name("again.json")) == document
    for line in file.read_bytes().splitlines()[:3]:
        EpochRecord.parse(line, file, "")


def _model_bytes() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_model(TrainedModel(build_model(SMALL_NETWORK, 10), SMALL_NETWORK, tuple("0123456789")), path)
        return path.read_bytes()


def _state_bytes() -> bytes:
    file = io.BytesIO()
    torch.save({"model": build_model(SMALL_NETWORK, 10).state_dict(), "epoch": 1}, file)
    return file.getvalue()


def _golden(pattern: str) -> Iterable[bytes]:
    """Yield the smallest files of a kind that earlier versions wrote."""
    return [path.read_bytes() for path in sorted(GOLDEN.rglob(pattern), key=lambda path: path.stat().st_size)[:3]]


_LINES = [{"path": "a.wav", "digit": 3, "speaker": "ann", "age": 30}, {"path": "b.wav", "digit": "4", "speaker": "bob"}]
_SPEAKERS = {"01": {"age": "30", "gender": "male", "accent": "German"}, "02": {"age": 1234, "gender": "Male"}}

READERS = {
    "sound": Reader(
        _sound,
        ("clip.wav",),
        lambda: [
            wav(n_bytes=800),
            *(written(kind, coding)[:6_000] for kind, coding in (("WAVEX", "FLOAT"), ("WAV", "IMA_ADPCM"))),
            *(written(kind) for kind in ("FLAC", "OGG", "MP3")),
            untagged_mp3()[:3_000],
        ],
    ),
    "manifest": Reader(
        lambda file: scan(file).fingerprint,
        ("clips.csv", "clips.jsonl"),
        lambda: [
            b"path,digit,speaker,age\na.wav,3,ann,30\nb.wav,4,bob,\n",
            "\n".join(map(json.dumps, _LINES)).encode(),
        ],
    ),
    "metadata": Reader(read_speakers, ("audioMNIST_meta.txt",), lambda: [json.dumps(_SPEAKERS).encode()]),
    "configuration": Reader(
        load, ("any.yaml",), lambda: [read_text(version_path(name)).encode() for name in ("v2", "v4")]
    ),
    "archive": Reader(
        _archive,
        ("archive",),
        lambda: [make(dict(list(repository_files(SMALL_FSDD).items())[:3])) for make in (zip_bytes, tar_bytes)],
    ),
    "state": Reader(_state, ("state.pt",), lambda: [_state_bytes()]),
    "model": Reader(lambda file: load_model(file, CPU), ("model.safetensors",), lambda: [_model_bytes()]),
    "documents": Reader(
        _documents,
        ("metrics.json",),
        lambda: [*_golden("metrics.json"), *_golden("record.json"), *_golden("history.jsonl")],
    ),
    "predictions": Reader(Predictions.load, ("predictions.csv",), lambda: _golden("predictions.csv")),
    "split": Reader(SplitFile.read, ("split.csv",), lambda: _golden("split.csv")),
}
