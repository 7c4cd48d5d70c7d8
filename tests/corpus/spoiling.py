"""Ways to spoil a corpus of small AudioMNIST layout, one fault each."""

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

CLIP = "data/02/3_02_1.wav"


def no_audio(corpus: Path) -> None:
    (corpus / CLIP).write_bytes(b"this is no sound at all")


def cut_short(corpus: Path) -> None:
    clip = corpus / CLIP
    clip.write_bytes(clip.read_bytes()[:-100])


def no_bytes(corpus: Path) -> None:
    (corpus / CLIP).write_bytes(b"")


def no_samples(corpus: Path) -> None:
    soundfile.write(corpus / CLIP, np.zeros(0), 8_000)


def other_rate(corpus: Path) -> None:
    soundfile.write(corpus / CLIP, tone(), 16_000)


def two_channels(corpus: Path) -> None:
    soundfile.write(corpus / CLIP, np.stack([tone(), tone()], 1), 8_000)


def silence(corpus: Path) -> None:
    soundfile.write(corpus / CLIP, np.zeros(4_000), 8_000)


def clipping(corpus: Path) -> None:
    soundfile.write(corpus / CLIP, np.clip(5 * tone(), -1, 1), 8_000)


def not_a_number(corpus: Path) -> None:
    soundfile.write(corpus / CLIP, np.append(tone(), np.nan), 8_000, subtype="FLOAT")


def infinite(corpus: Path) -> None:
    soundfile.write(corpus / CLIP, np.append(tone(), np.inf), 8_000, subtype="FLOAT")


def label_no_digit(corpus: Path) -> None:
    (corpus / CLIP).rename(corpus / "data/02/three_02_1.wav")


def label_beyond_nine(corpus: Path) -> None:
    (corpus / CLIP).rename(corpus / "data/02/13_02_1.wav")


def another_folder(corpus: Path) -> None:
    (corpus / CLIP).rename(corpus / "data/01/3_02_1.wav")


def one_missing(corpus: Path) -> None:
    (corpus / CLIP).unlink()


def one_too_many(corpus: Path) -> None:
    soundfile.write(corpus / "data/02/3_02_99.wav", tone(), 8_000)


def same_sound(corpus: Path) -> None:
    shutil.copy(corpus / "data/02/3_02_0.wav", corpus / CLIP)


def same_sound_by_another(corpus: Path) -> None:
    shutil.copy(corpus / "data/01/3_01_1.wav", corpus / CLIP)


def same_sound_other_digit(corpus: Path) -> None:
    shutil.copy(corpus / "data/02/7_02_1.wav", corpus / CLIP)


def stray(corpus: Path) -> None:
    (corpus / "data/02/.DS_Store").write_bytes(b"\0")


def stray_audio(corpus: Path) -> None:
    soundfile.write(corpus / "data/02/hello.wav", tone(), 8_000)


def dangling_link(corpus: Path) -> None:
    (corpus / "data/02/3_02_9.wav").symlink_to("nowhere")


def looping_link(corpus: Path) -> None:
    link = corpus / "data/02/3_02_7.wav"
    link.symlink_to(link)


def age_1234(corpus: Path) -> None:
    change_metadata(corpus, "02", age="1234")


def spelling(corpus: Path) -> None:
    change_metadata(corpus, "02", recordingroom="vr-romm")


def metadata_no_json(corpus: Path) -> None:
    (corpus / "data/audioMNIST_meta.txt").write_text("{")


def nobody_speaks(corpus: Path) -> None:
    change_metadata(corpus, "77", age=30)


def change_metadata(corpus: Path, speaker: str, **entries: object) -> None:
    path = corpus / "data/audioMNIST_meta.txt"
    known = json.loads(path.read_text())
    known.setdefault(speaker, {}).update(entries)
    path.write_text(json.dumps(known))


def tone() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 0.5 * np.sin(np.arange(4_000) / 5)
