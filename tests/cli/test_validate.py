from pathlib import Path

import pytest

from tests.cli.command import audiomnist, refused, succeeds
from tests.conftest import MakeCorpus


@pytest.fixture
def broken(make_corpus: MakeCorpus, tmp_path: Path) -> Path:
    """A corpus with five empty clips and a file that does not belong."""
    root = make_corpus(tmp_path / "corpus")
    for digit in range(5):
        (root / f"{digit}_george_0.wav").write_bytes(b"")
    (root / "notes.txt").write_text("notes")
    return root


def test_a_sound_corpus_passes(small_corpus: Path) -> None:
    outcome = succeeds("validate", "--data", small_corpus)
    assert outcome.stdout.startswith("120 clips: 0 errors, 0 warnings\n")
    assert f"audiomnist validate --deep --data {small_corpus}" in outcome.stdout


def test_faults_are_counted_by_kind_with_the_first_paths(broken: Path) -> None:
    outcome = audiomnist("validate", "--data", broken)
    assert outcome.exit_code == 3
    assert "0_george_0.wav" in outcome.stdout
    assert "4_george_0.wav" not in outcome.stdout
    assert "notes.txt" in outcome.stdout
    assert "120 clips: 5 errors, 1 warning" in outcome.stdout


def test_a_script_gets_every_finding_in_one_document(broken: Path) -> None:
    outcome = audiomnist("validate", "--data", broken, "--json")
    report = outcome.json
    assert (outcome.exit_code, outcome.stderr) == (3, "")
    assert (report["clips"], report["errors"], report["warnings"], report["exit_code"]) == (120, 5, 1, 3)
    assert [finding["path"] for finding in report["findings"] if finding["severity"] == "error"] == [
        f"{digit}_george_0.wav" for digit in range(5)
    ]


def test_quiet_leaves_the_result_only(small_corpus: Path) -> None:
    assert succeeds("validate", "--data", small_corpus).stderr.startswith("validate: 120 clips")
    assert succeeds("validate", "--data", small_corpus, "--quiet", "--jobs", 1).stderr == ""


def test_a_place_without_a_corpus_is_refused(tmp_path: Path) -> None:
    assert "there is no corpus" in refused(3, "validate", "--data", tmp_path / "nowhere").error
