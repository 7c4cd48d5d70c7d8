"""Recordings that are not clips of a corpus: noises to add to clips, and sounds without a digit."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audiomnist.audio import Samples, read, resample
from audiomnist.config import Features
from audiomnist.corpus.listing import AUDIO_SUFFIXES, CLASSES, list_clips
from audiomnist.corpus.manifest import MANIFEST_SUFFIXES
from audiomnist.corpus.places import locate
from audiomnist.errors import DataError, indented
from audiomnist.features.mel import ClipEntry, MelPower
from audiomnist.features.store import ClipStore, Index

MOST_RECORDINGS = 10_000  # that are held in memory
_N_SILENCES = 64


def find_recordings(place: str, part: str = "train") -> list[Path]:
    """Return the sound files at a place, in a stable order.

    A place is a folder, whose clips of digits are left out; a sound file; or a manifest with a column ``path``, of
    which only the lines of ``part`` count if it has a column ``split``.

    Raises DataError if there are none, or the manifest cannot be read.
    """
    path = locate(place)
    if path.is_file() and path.suffix.lower() in MANIFEST_SUFFIXES:
        files = list(_listed(path, part))
    elif path.is_file():
        files = [path]
    else:
        digits = {path / clip.path for clip in list_clips(path).clips if clip.label in CLASSES}
        files = [
            file
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in AUDIO_SUFFIXES and file.is_file() and file not in digits
        ]
    if not files:
        raise DataError(f"no recording in {path}", "name a folder, a sound file, or a manifest with a column 'path'")
    return files


def _listed(manifest: Path, part: str) -> Iterator[Path]:
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as lines:
            is_csv = manifest.suffix.lower() == ".csv"
            rows: Iterable[Any] = csv.DictReader(lines) if is_csv else map(json.loads, filter(str.strip, lines))
            for row in rows:
                if (row.get("split") or part).strip().lower() == part:
                    yield manifest.parent / row["path"]
    except (OSError, ValueError, KeyError, AttributeError, TypeError, csv.Error) as error:
        raise DataError(
            f"cannot read {manifest}: {error}", "each line needs a path, relative to the manifest"
        ) from error


def load_recordings(places: Iterable[str], features: Features) -> list[torch.Tensor]:
    """Return the mel power of the recordings at several places, Tensor[K_i, M] each.

    Of more than ``MOST_RECORDINGS`` an even sample is taken.

    Raises DataError with every recording that cannot be read.
    """
    files = [file for place in places for file in find_recordings(place)]
    files = files[:: math.ceil(len(files) / MOST_RECORDINGS) or 1]
    mel = MelPower(features)
    power, faults = [], []
    for file in files:
        try:
            power.append(mel([resample(*read(file), features.sample_rate)]))
        except DataError as error:
            faults.append(error.message)
    if faults:
        raise DataError(
            f"{len(faults)} of {len(files)} recordings cannot be used\n{indented(faults)}",
            "remove or replace these files",
        )
    return power


def silences(features: Features, seed: int) -> list[torch.Tensor]:
    """Return the mel power of ``silent_waves``, Tensor[K, M] each."""
    mel = MelPower(features)
    return [mel([wave]) for wave in silent_waves(features.sample_rate, seed)]


def silent_waves(sample_rate: int, seed: int) -> list[Samples]:
    """Return recordings, a second each, in which there is nothing: digital silence, hiss and rumble, hum, clicks."""
    stream = np.random.default_rng(seed)
    rate, length = sample_rate, sample_rate
    seconds, orders = np.arange(length) / rate, np.arange(1, 9)[:, None]
    waves: list[Samples] = []
    while len(waves) < _N_SILENCES:
        spectrum = np.fft.rfft(stream.standard_normal(length))
        spectrum *= np.arange(1, len(spectrum) + 1) ** -stream.uniform(0, 1.5)
        wave = np.fft.irfft(spectrum, length)
        wave /= np.abs(wave).max()
        kind = len(waves) % 5
        if kind == 0:
            wave *= 0
        elif kind == 1:
            turns = 2 * np.pi * stream.choice([50, 60]) * orders * seconds + stream.uniform(0, 6)
            wave = 0.1 * wave + (np.sin(turns) / orders).sum(0)
        elif kind == 2:
            wave *= 0.05
            wave[stream.integers(0, length, stream.integers(1, 4))] = 1.0
        elif kind == 3:
            wave *= 1 + 0.8 * np.sin(2 * np.pi * stream.uniform(0.3, 4) * seconds + stream.uniform(0, 6))
        waves.append((10 ** stream.uniform(-3.5, -0.5) * wave).astype(np.float32))
    return waves


def stretches(recordings: list[torch.Tensor], features: Features, n_frames: int) -> ClipStore:
    """Return recordings as clips of about so many frames, and of no less where a recording has as many.

    A clip's extreme samples and digest are not known there, and are 0.
    """
    lengths = []
    for frames in recordings:
        n_clips = max(1, len(frames) // n_frames)
        lengths.append(np.diff(np.linspace(0, len(frames), n_clips + 1).astype(np.int64)))
    entries = [ClipEntry(length, length * features.hop_length) for length in np.concatenate(lengths).tolist()]
    silence = torch.zeros(1, features.n_mels)
    return ClipStore(features, Index.of(entries), torch.cat([*recordings, silence]))
