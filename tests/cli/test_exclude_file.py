from pathlib import Path

import pytest

from audiomnist.corpus import scan
from tests.cli.command import SMALL, refused, succeeds


@pytest.fixture
def listed(small_corpus: Path) -> list[str]:
    return list(scan(small_corpus).paths[::10])


@pytest.mark.parametrize(("name", "header"), [("bad.txt", "# heard by hand"), ("bad.csv", "path,why")])
def test_a_list_is_a_text_or_a_table(
    small_corpus: Path, listed: list[str], tmp_path: Path, name: str, header: str
) -> None:
    file = tmp_path / name
    file.write_text("\n".join([header, *listed, ""]))
    words = ("--data", small_corpus, *SMALL, "--exclude-file", file)
    assert succeeds("prep", *words, "--json").json["clips"] == 120 - 12


def test_listed_clips_are_left_out_of_everything(small_corpus: Path, listed: list[str], tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_text("\n".join(listed))
    words = ("--data", small_corpus, *SMALL, "--exclude-file", file)
    result = succeeds("train", *words, "--run", tmp_path / "run", "--json").json
    assert result["n_train"] + result["n_test"] == 108
    assert not {line.split(",")[0] for line in (tmp_path / "run" / "split.csv").read_text().split()} & set(listed)
    assert succeeds("evaluate", tmp_path / "run", "--json").json["n_test"] == result["n_test"]
    elsewhere = succeeds("evaluate", tmp_path / "run", "--data", small_corpus, "--exclude-file", file, "--json").json
    assert elsewhere["n_test"] == 108
    assert succeeds("kfold", *words, "--folds", "2", "--json").json["n_test"] == 108


def test_a_listed_clip_that_is_not_there_is_named(small_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("0_george_0.wav\nnobody.wav\n")
    refusal = refused(3, "prep", "--data", small_corpus, "--exclude-file", tmp_path / "bad.txt")
    assert "nobody.wav" in refusal.error


def test_a_list_that_leaves_nothing_or_is_none_is_refused(small_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text("\n".join(scan(small_corpus).paths))
    assert "every clip" in refused(3, "prep", "--data", small_corpus, "--exclude-file", tmp_path / "all.txt").error
    assert "gone.txt" in refused(3, "prep", "--data", small_corpus, "--exclude-file", tmp_path / "gone.txt").error
    (tmp_path / "no.csv").write_text("name\nx\n")
    assert "no.csv" in refused(3, "prep", "--data", small_corpus, "--exclude-file", tmp_path / "no.csv").error
