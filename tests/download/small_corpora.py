"""Corpora and archives small enough to make in every test."""

import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.download.checksums import verify
from audiomnist.download.fetch import FetchSettings
from audiomnist.download.sources import AUDIOMNIST, FSDD, Source

SMALL_AUDIOMNIST = replace(AUDIOMNIST, speakers=("01", "02"), repetitions=2, archive_bytes=0, unpacked_bytes=0)
SMALL_FSDD = replace(FSDD, speakers=("george", "lucas"), repetitions=2, archive_bytes=0, unpacked_bytes=0)
QUICK = FetchSettings(timeout_s=10.0, first_wait_s=0.001, longest_wait_s=0.002)


def wav_bytes(seed: int = 0, frames: int = 400, sample_rate: int = 8000) -> bytes:
    """Return noise as a 16-bit WAV file."""
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, frames)
    file = io.BytesIO()
    soundfile.write(file, noise, sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def corpus_files(source: Source = SMALL_AUDIOMNIST) -> dict[str, bytes]:
    """Return the content of every file of a whole corpus, by its path in the corpus folder."""
    files = {
        source.clip_path.format(digit=digit, speaker=speaker, repetition=repetition): b""
        for speaker in source.speakers
        for digit in range(10)
        for repetition in range(source.repetitions)
    }
    files = {path: wav_bytes(seed) for seed, path in enumerate(files)}
    if source.metadata_path is not None:
        files[source.metadata_path] = b"{}"
    return files


def repository_files(source: Source = SMALL_AUDIOMNIST) -> dict[str, bytes]:
    """Return a corpus as the published archive has it: below a top folder, among other files."""
    top = f"{source.name}-{source.ref}"
    return {f"{top}/{path}": content for path, content in corpus_files(source).items()} | {
        f"{top}/README.md": b"read me",
        f"{top}/code/train.py": b"pass",
    }


def zip_bytes(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path, content in files.items():
            opened.writestr(path, content)
    return archive.getvalue()


def tar_bytes(files: dict[str, bytes], compression: str = "") -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode=f"w:{compression}") as opened:  # type: ignore[call-overload]
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def assert_whole(out: Path, source: Source = SMALL_AUDIOMNIST) -> None:
    """The corpus is complete, its manifest true, and nothing lies beside it."""
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert files.pop(CHECKSUMS_NAME)
    assert files == corpus_files(source)
    assert verify(out, deep=True) == []
    assert [path.name for path in out.parent.iterdir()] == [out.name]
