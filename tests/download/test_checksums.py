"""What a corpus's manifest holds, and what it notices later."""

import hashlib
import json
from pathlib import Path

import pytest
import soundfile

from audiomnist.corpus.metadata import CHECKSUMS_NAME
from audiomnist.download.checksums import read_checksums, verify, write_checksums
from audiomnist.errors import DataError
from tests.download.small_corpora import corpus_files, wav_bytes

CLIP = "data/01/0_01_0.wav"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for path, content in corpus_files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    write_checksums(tmp_path)
    return tmp_path


def test_every_file_has_its_line(corpus: Path) -> None:
    lines = [json.loads(line) for line in (corpus / CHECKSUMS_NAME).read_text().splitlines()]
    assert [line["path"] for line in lines] == sorted(corpus_files())
    content = (corpus / CLIP).read_bytes()
    assert lines[0] == {
        "path": CLIP,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sample_rate": 8000,
        "frames": 400,
    }
    assert lines[-1]["path"] == "data/audioMNIST_meta.txt"
    assert lines[-1]["sample_rate"] is lines[-1]["frames"] is None


def test_writing_it_again_changes_nothing(corpus: Path) -> None:
    before = (corpus / CHECKSUMS_NAME).read_bytes()
    records = write_checksums(corpus)
    assert (corpus / CHECKSUMS_NAME).read_bytes() == before
    assert records == read_checksums(corpus)


def test_progress_ends_with_all_bytes(corpus: Path) -> None:
    total_bytes = sum(map(len, corpus_files().values()))
    steps: list[tuple[int, int | None]] = []
    write_checksums(corpus, progress=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1] == (total_bytes, total_bytes)
    verify(corpus, progress=lambda done, total: steps.append((done, total)))
    assert steps[: len(steps) // 2] == steps[len(steps) // 2 :]


@pytest.mark.parametrize("deep", [False, True])
def test_an_untouched_corpus_has_no_deviation(corpus: Path, deep: bool) -> None:
    (corpus / ".DS_Store").write_bytes(b"of the Finder")
    assert verify(corpus, deep=deep) == {}


@pytest.mark.parametrize("deep", [False, True])
def test_missing_shortened_and_surplus_files_are_named(corpus: Path, deep: bool) -> None:
    (corpus / CLIP).unlink()
    (corpus / "data/01/1_01_0.wav").write_bytes(wav_bytes()[:100])
    (corpus / "data/audioMNIST_meta.txt").write_text("{} ")
    (corpus / "data/01/0_01_9.wav").write_bytes(wav_bytes())
    size = len(wav_bytes())
    assert verify(corpus, deep=deep) == {
        CLIP: "missing",
        "data/01/1_01_0.wav": f"100 bytes instead of {size}",
        "data/audioMNIST_meta.txt": "3 bytes instead of 2",
        "data/01/0_01_9.wav": "not in the checksums",
    }


def test_another_header_of_the_same_size_is_noticed(corpus: Path) -> None:
    (corpus / CLIP).write_bytes(wav_bytes(sample_rate=16_000))
    assert verify(corpus) == {CLIP: "its header differs from the checksums"}


def test_only_the_deep_check_notices_another_content(corpus: Path) -> None:
    content = bytearray((corpus / CLIP).read_bytes())
    content[-1] ^= 1
    (corpus / CLIP).write_bytes(content)
    assert verify(corpus) == {}
    assert verify(corpus, deep=True) == {CLIP: "its content differs from the checksums"}


@pytest.mark.parametrize("content", [b"", b"no sound at all", wav_bytes(frames=0)])
def test_a_recording_that_never_was_one_stays_a_deviation(corpus: Path, content: bytes) -> None:
    (corpus / CLIP).write_bytes(content)
    records = write_checksums(corpus)
    assert [record.path for record in records if not record.is_readable_clip] == [CLIP, "data/audioMNIST_meta.txt"]
    assert verify(corpus) == {CLIP: "not a readable recording"}


def test_the_deep_check_decodes_to_the_end(corpus: Path) -> None:
    """FLAC under the name of a WAV: the header promises frames that the damaged middle cannot give."""
    noise, sample_rate = soundfile.read(corpus / CLIP)
    soundfile.write(corpus / "whole.flac", [*noise] * 100, sample_rate)
    content = bytearray((corpus / "whole.flac").read_bytes())
    (corpus / "whole.flac").unlink()
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    (corpus / CLIP).write_bytes(content)
    write_checksums(corpus)
    assert verify(corpus) == {}
    assert verify(corpus, deep=True) == {CLIP: "cannot be decoded to its end"}


def test_a_file_that_became_a_folder_is_a_deviation(corpus: Path) -> None:
    (corpus / CLIP).unlink()
    (corpus / CLIP).mkdir()
    assert list(verify(corpus, deep=True)) == [CLIP]


def test_without_a_manifest_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=CHECKSUMS_NAME) as caught:
        verify(tmp_path)
    assert str(tmp_path) in caught.value.message
    assert "audiomnist download" in caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        b"not JSON",
        b"{}",
        b"\xff",
        b'{"path": 1, "size": 1, "sha256": "", "sample_rate": 1, "frames": 1}',
        b'{"path": "x.wav", "size": "1", "sha256": "", "sample_rate": 1, "frames": 1}',
    ],
)
def test_a_broken_line_is_named(corpus: Path, line: bytes) -> None:
    lines = (corpus / CHECKSUMS_NAME).read_bytes().splitlines()
    (corpus / CHECKSUMS_NAME).write_bytes(b"\n".join([lines[0], line, *lines[1:]]))
    with pytest.raises(DataError, match="line 2") as caught:
        verify(corpus)
    assert str(corpus / CHECKSUMS_NAME) in caught.value.message
