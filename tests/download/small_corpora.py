"""Corpora and archives small enough to make in every test."""

import io
import re
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.download.checksums import verify
from audiomnist.download.fetch import Patience
from audiomnist.download.sources import ALL_SPEECH_COMMANDS, AUDIOMNIST, FSDD, SPEECH_COMMANDS, Source, grid

SMALL_AUDIOMNIST = replace(AUDIOMNIST, expected=grid(("01", "02"), 2), archive_bytes=0, unpacked_bytes=0)
SMALL_FSDD = replace(FSDD, expected=grid(("george", "lucas"), 2), archive_bytes=0, unpacked_bytes=0)
SMALL_WORDS = replace(
    SPEECH_COMMANDS, expected=dict.fromkeys(SPEECH_COMMANDS.expected, 4), archive_bytes=0, unpacked_bytes=0
)
ALL_SMALL_WORDS = replace(ALL_SPEECH_COMMANDS, expected=dict.fromkeys(ALL_SPEECH_COMMANDS.expected, 4))
QUICK = Patience(timeout_s=10.0, wait_s=0.001)


def wav_bytes(seed: int = 0, frames: int = 400, sample_rate: int = 8000) -> bytes:
    """Return noise as a 16-bit WAV file."""
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, frames)
    file = io.BytesIO()
    soundfile.write(file, noise, sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def corpus_files(source: Source = SMALL_AUDIOMNIST) -> dict[str, bytes]:
    """Return the content of every file of a whole corpus, by its path in the corpus folder."""
    groups = [(re.findall(r"\w+", group)[1::2], count) for group, count in source.expected.items()]
    paths = [
        source.clip_path.format(digit=digit, speaker=speaker, repetition=repetition)
        for (speaker, digit), count in groups
        for repetition in range(count)
    ]
    files = {path: wav_bytes(seed) for seed, path in enumerate(paths)}
    return files | dict.fromkeys(source.companions.values(), b"{}")


def word_files(source: Source = SMALL_WORDS) -> dict[str, bytes]:
    """Return the content of every file of a small Speech Commands, by its path in the corpus folder."""
    paths = [
        f"{word}/{speaker}_nohash_{repetition}.wav"
        for word in source.expected
        for speaker in ("004ae714", "00b01445")
        for repetition in range(2)
    ]
    return {path: wav_bytes(seed) for seed, path in enumerate(paths)} | {
        "_background_noise_/doing_the_dishes.wav": wav_bytes(1000),
        "_background_noise_/README.md": b"noise",
        "validation_list.txt": b"zero/004ae714_nohash_0.wav\n",
        "testing_list.txt": b"zero/00b01445_nohash_0.wav\n",
        "LICENSE": b"CC BY 4.0",
        "README.md": b"words",
    }


def repository_files(source: Source = SMALL_AUDIOMNIST) -> dict[str, bytes]:
    """Return a corpus as the published archive has it: below a top folder, among other files."""
    top = f"{source.name}-main"
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


def tar_bytes(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as opened:
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


def assert_whole(out: Path, source: Source = SMALL_AUDIOMNIST, files: dict[str, bytes] | None = None) -> None:
    """The corpus is complete, its manifest true, and nothing lies beside it."""
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert found.pop(CHECKSUMS_NAME)
    assert found == (files or corpus_files(source))
    assert verify(out, deep=True) == {}
    assert [path.name for path in out.parent.iterdir()] == [out.name]
