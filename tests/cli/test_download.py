from pathlib import Path

import pytest

from audiomnist.download.sources import SOURCES
from tests.cli.command import audiomnist, refused, succeeds
from tests.download.small_corpora import ALL_SMALL_WORDS, SMALL_FSDD, put, repository_files, word_files, zip_bytes


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of an FSDD of two speakers, which is all that it has here."""
    monkeypatch.setitem(SOURCES, "fsdd", SMALL_FSDD)
    return put(tmp_path, {"fsdd.zip": zip_bytes(repository_files(SMALL_FSDD))}) / "fsdd.zip"


def test_an_archive_becomes_the_named_corpus_that_training_finds(archive: Path, home: Path) -> None:
    outcome = succeeds("download", "fsdd", "--from", archive)
    assert outcome.stdout.startswith(f"40 clips, 0 MB in {home / 'data' / 'fsdd'}\n")
    assert "audiomnist train --data fsdd" in outcome.stdout
    assert succeeds("prep", "--data", "fsdd", "--json").json["clips"] == 40


def test_a_script_gets_the_report(archive: Path, tmp_path: Path) -> None:
    report = succeeds("download", "fsdd", "--from", archive, "--root", tmp_path, "--json").json
    assert (report["path"], report["clips"], report["deviations"]) == (str(tmp_path / "fsdd"), 40, [])


def test_what_is_missing_is_listed(tmp_path: Path) -> None:
    folder = put(tmp_path / "unpacked", repository_files(SMALL_FSDD))
    outcome = succeeds("download", "fsdd", "--from", folder, "--root", tmp_path)
    assert "60 differences from the published corpus" in outcome.stdout
    assert "speaker george, digit 0: 2 clips instead of 50" in outcome.stdout


def test_a_corpus_is_checked_against_its_manifest(archive: Path, tmp_path: Path) -> None:
    succeeds("download", "fsdd", "--from", archive, "--root", tmp_path)
    assert "matches its checksums" in succeeds("download", "fsdd", "--root", tmp_path, "--verify", "--deep").stdout
    clip = next((tmp_path / "fsdd").rglob("3_lucas_1.wav"))
    clip.write_bytes(clip.read_bytes()[:-2])
    outcome = audiomnist("download", "fsdd", "--root", tmp_path, "--verify")
    assert outcome.exit_code == 3
    assert "3_lucas_1.wav" in outcome.stderr


def test_a_check_for_scripts_is_one_document_and_an_exit_code(archive: Path, tmp_path: Path) -> None:
    succeeds("download", "fsdd", "--from", archive, "--root", tmp_path)
    next((tmp_path / "fsdd").rglob("3_lucas_1.wav")).unlink()
    outcome = audiomnist("download", "fsdd", "--root", tmp_path, "--verify", "--json")
    assert outcome.exit_code == outcome.json["exit_code"] == 3
    assert len(outcome.json["deviations"]) == 1


def test_an_unknown_corpus_is_asked_back() -> None:
    assert "did you mean 'fsdd'?" in refused(2, "download", "fsd").hint


def test_deep_alone_is_refused() -> None:
    assert "--verify" in refused(2, "download", "fsdd", "--deep").hint


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "gone.zip") in refused(3, "download", "fsdd", "--from", tmp_path / "gone.zip").error


def test_words_of_speech_commands_are_chosen(tmp_path: Path) -> None:
    folder = put(tmp_path / "words", word_files(ALL_SMALL_WORDS))
    some = succeeds("download", "speech-commands", "--from", folder, "--root", tmp_path / "digits", "--json").json
    every = succeeds(
        "download", "speech-commands", "--words", "all", "--from", folder, "--root", tmp_path / "all", "--json"
    ).json
    assert (some["clips"], every["clips"]) == (40, 140)
    assert "zero: 4 clips instead of 4,052" in some["deviations"]
    assert "--words" in refused(2, "download", "fsdd", "--words", "all").hint
