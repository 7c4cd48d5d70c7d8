from pathlib import Path

import pytest

from audiomnist.download.sources import FSDD
from tests.cli.command import audiomnist, refused, succeeds
from tests.download.small_corpora import ALL_SMALL_WORDS, put, repository_files, word_files, zip_bytes


@pytest.fixture(scope="module")
def whole_fsdd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("archive") / "fsdd.zip"
    archive.write_bytes(zip_bytes(repository_files(FSDD)))
    return archive


def test_an_archive_becomes_the_named_corpus_that_training_finds(whole_fsdd: Path, home: Path) -> None:
    outcome = succeeds("download", "fsdd", "--from", whole_fsdd)
    assert outcome.stdout.startswith(f"3,000 clips, 3 MB in {home / 'data' / 'fsdd'}\n")
    assert "audiomnist train --data fsdd" in outcome.stdout
    assert succeeds("prep", "--data", "fsdd", "--json").json["clips"] == 3000


def test_a_script_gets_the_report(whole_fsdd: Path, tmp_path: Path) -> None:
    report = succeeds("download", "fsdd", "--from", whole_fsdd, "--root", tmp_path, "--json").json
    assert (report["path"], report["clips"], report["deviations"]) == (str(tmp_path / "fsdd"), 3000, [])


def test_what_is_missing_is_listed(tmp_path: Path) -> None:
    files = repository_files(FSDD)
    folder = put(tmp_path / "unpacked", dict(list(files.items())[:-3]))
    outcome = succeeds("download", "fsdd", "--from", folder, "--root", tmp_path)
    assert "not as published" in outcome.stdout


def test_a_corpus_is_checked_against_its_manifest(whole_fsdd: Path, tmp_path: Path) -> None:
    succeeds("download", "fsdd", "--from", whole_fsdd, "--root", tmp_path)
    assert (
        "as recorded in its manifest" in succeeds("download", "fsdd", "--root", tmp_path, "--verify", "--deep").stdout
    )
    clip = next((tmp_path / "fsdd").rglob("3_theo_7.wav"))
    clip.write_bytes(clip.read_bytes()[:-2])
    outcome = audiomnist("download", "fsdd", "--root", tmp_path, "--verify")
    assert outcome.exit_code == 3
    assert "3_theo_7.wav" in outcome.stderr


def test_a_check_for_scripts_is_one_document_and_an_exit_code(whole_fsdd: Path, tmp_path: Path) -> None:
    succeeds("download", "fsdd", "--from", whole_fsdd, "--root", tmp_path)
    next((tmp_path / "fsdd").rglob("3_theo_7.wav")).unlink()
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
