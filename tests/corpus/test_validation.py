from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiomnist.corpus.validation import Validation, validate
from tests.cli.command import audiomnist
from tests.conftest import MakeCorpus
from tests.corpus import spoiling
from tests.corpus.spoiling import CLIP


@pytest.fixture
def corpus(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus", layout="audiomnist", sample_rate=8_000)


def kinds(validation: Validation) -> set[tuple[str, str]]:
    return {(finding.kind, finding.severity) for finding in validation.findings}


CHEAP = [
    (spoiling.no_audio, "unreadable", "error"),
    (spoiling.cut_short, "truncated", "error"),
    (spoiling.no_bytes, "empty", "error"),
    (spoiling.no_samples, "empty", "error"),
    (spoiling.other_rate, "sample rate", "warning"),
    (spoiling.two_channels, "stereo", "warning"),
    (spoiling.label_no_digit, "label", "error"),
    (spoiling.label_beyond_nine, "label", "error"),
    (spoiling.another_folder, "speaker folder", "error"),
    (spoiling.one_missing, "missing repetitions", "warning"),
    (spoiling.one_too_many, "surplus repetitions", "warning"),
    (spoiling.stray, "does not belong", "warning"),
    (spoiling.stray_audio, "does not belong", "warning"),
    (spoiling.dangling_link, "unreadable", "error"),
    (spoiling.looping_link, "unreadable", "error"),
    (spoiling.age_1234, "metadata", "warning"),
    (spoiling.spelling, "metadata", "warning"),
    (spoiling.metadata_no_json, "metadata", "error"),
    (spoiling.nobody_speaks, "metadata", "warning"),
]
DEEP = [
    (spoiling.silence, "silent", "error"),
    (spoiling.clipping, "clipped", "warning"),
    (spoiling.not_a_number, "NaN or infinite", "error"),
    (spoiling.infinite, "NaN or infinite", "error"),
    (spoiling.same_sound, "duplicate", "warning"),
    (spoiling.same_sound_by_another, "duplicate", "warning"),
    (spoiling.same_sound_other_digit, "duplicate", "warning"),
]


def test_a_sound_corpus_has_no_findings(corpus: Path) -> None:
    assert validate(corpus, deep=True) == Validation((), 120)


@pytest.mark.parametrize(("spoil", "kind", "severity"), CHEAP)
def test_a_fault_of_names_and_headers_is_found(
    spoil: Callable[[Path], None], kind: str, severity: str, corpus: Path
) -> None:
    spoil(corpus)
    assert (kind, severity) in kinds(validate(corpus))
    assert audiomnist("validate", "--data", corpus).exit_code == (3 if severity == "error" else 0)


@pytest.mark.parametrize(("spoil", "kind", "severity"), DEEP)
def test_a_fault_of_the_sound_is_found_by_decoding(
    spoil: Callable[[Path], None], kind: str, severity: str, corpus: Path
) -> None:
    spoil(corpus)
    assert validate(corpus).findings == ()
    found = validate(corpus, deep=True)
    assert kinds(found) == {(kind, severity)}
    assert found.findings[0].path in {CLIP, "data/02/7_02_1.wav"}
    assert audiomnist("validate", "--deep", "--data", corpus).exit_code == (3 if severity == "error" else 0)


@pytest.mark.parametrize(
    ("copy", "detail"),
    [
        (spoiling.same_sound_by_another, "the same sound as data/01/3_01_1.wav, under another speaker"),
        (spoiling.same_sound_other_digit, f"the same sound as {CLIP}, under another digit: one of the two is wrong"),
    ],
)
def test_a_copy_under_another_label_is_called_that(corpus: Path, copy: Callable[[Path], None], detail: str) -> None:
    copy(corpus)
    (finding,) = validate(corpus, deep=True).findings
    assert finding.detail == detail


def test_no_fault_hides_another(corpus: Path) -> None:
    (corpus / "data/01/0_01_0.wav").write_bytes(b"")
    (corpus / "data/01/0_01_1.wav").write_bytes(b"noise")
    (corpus / "data/01/0_01_2.wav").rename(corpus / "data/01/x_01_2.wav")
    soundfile.write(corpus / "data/01/0_01_3.wav", np.zeros(900), 8_000)
    spoiling.metadata_no_json(corpus)
    found = kinds(validate(corpus, deep=True))
    assert {kind for kind, _ in found} == {
        "empty",
        "unreadable",
        "label",
        "silent",
        "metadata",
        "missing repetitions",
    }


def test_missing_clips_are_told_by_number(corpus: Path) -> None:
    for repetition in (1, 3):
        (corpus / f"data/03/5_03_{repetition}.wav").unlink()
    (finding,) = validate(corpus).findings
    assert (finding.path, finding.detail) == ("speaker 03, digit 5", "repetitions 1, 3")


def test_the_clip_reported_upstream_is_a_finding(corpus: Path) -> None:
    (corpus / "data/19").mkdir()
    soundfile.write(corpus / "data/19/0_19_22.wav", spoiling.tone(), 8_000)
    spoiling.change_metadata(corpus, "19", recordingroom="Kino")
    assert ("known fault", "warning") in kinds(validate(corpus))
    spoiling.change_metadata(corpus, "19", recordingroom="synthetic")
    assert "known fault" not in {kind for kind, _ in kinds(validate(corpus))}


def test_ages_of_two_types_are_told(corpus: Path) -> None:
    spoiling.change_metadata(corpus, "02", age="21")
    (finding,) = validate(corpus).findings
    assert finding.detail == "ages are numbers for 2 speakers and text for 1; all become numbers"


def test_a_folder_without_clips_is_an_error(tmp_path: Path) -> None:
    assert kinds(validate(tmp_path)) == {("no clips", "error")}


def test_fsdd_names_lie_in_any_folder(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    assert validate(make_corpus(tmp_path / "recordings")).findings == ()


def test_clips_of_a_manifest_are_looked_into(corpus: Path) -> None:
    manifest = corpus / "clips.csv"
    manifest.write_text(f"path,digit,speaker\n{CLIP},3,02\ndata/01/0_01_0.wav,0,01\n")
    assert validate(manifest, deep=True) == Validation((), 2)
    spoiling.cut_short(corpus)
    assert kinds(validate(manifest)) == {("truncated", "error")}


def test_a_broken_manifest_is_a_finding(corpus: Path) -> None:
    manifest = corpus / "clips.csv"
    manifest.write_text("path,digit,speaker\nnothing.wav,3,02\n")
    assert ("manifest", "error") in kinds(validate(manifest))


def test_a_flac_file_that_ends_early_is_found_by_decoding(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "corpus")
    samples, rate = soundfile.read(root / "3_george_1.wav")
    (root / "3_george_1.wav").unlink()
    clip = root / "3_george_1.flac"
    soundfile.write(clip, samples, rate)
    assert validate(root, deep=True).findings == ()
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert kinds(validate(root, deep=True)) & {("truncated", "error"), ("unreadable", "error")}


def test_progress_counts_every_clip(corpus: Path) -> None:
    calls: list[tuple[int, int]] = []
    validate(corpus, jobs=2, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 120) for done in range(1, 121)]
