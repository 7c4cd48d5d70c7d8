from pathlib import Path

import pytest
import yaml

from audiomnist.config import load, version_path, versions
from tests.cli.command import refused, succeeds


@pytest.mark.parametrize("name", versions())
def test_what_is_shown_is_a_configuration_in_full(name: str, tmp_path: Path) -> None:
    outcome = succeeds("config", "show", name)
    assert outcome.stderr == ""
    (tmp_path / "shown.yaml").write_text(outcome.stdout)
    assert load(tmp_path / "shown.yaml") == load(version_path(name))
    assert succeeds("config", "show", name, "--json").json == yaml.safe_load(outcome.stdout)


def test_changes_are_shown() -> None:
    words = ("--set", "optim.lr=0.5", "--set", "seed=7")
    document = succeeds("config", "show", "v1", *words, "--json").json
    assert (document["optim"]["lr"], document["seed"], document["version"]) == (0.5, 7, "v1")


def test_a_file_of_ones_own_is_shown_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("seed: 5\n")
    document = succeeds("config", "show", tmp_path / "mine.yaml", "--json").json
    assert document["seed"] == 5
    assert document["optim"]["epochs"] == 10


def test_a_right_configuration_is_called_valid(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("version: mine\n")
    assert succeeds("config", "validate", tmp_path / "mine.yaml").stdout == f"{tmp_path / 'mine.yaml'}: valid\n"
    document = succeeds("config", "validate", tmp_path / "mine.yaml", "--json").json
    assert document == {"file": str(tmp_path / "mine.yaml"), "valid": True, "version": "mine"}


def test_every_fault_of_a_wrong_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("sed: 1\noptim: {epochs: 0}\n")
    error = refused(4, "config", "validate", tmp_path / "mine.yaml").error
    assert "2 settings are wrong" in error
    assert "sed: no such setting; did you mean 'seed'?" in error
    assert "optim.epochs" in error


@pytest.mark.parametrize("name", versions())
def test_a_copy_keeps_its_comments_and_names_its_command(name: str, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "mine.yaml"
    outcome = succeeds("config", "copy", name, file)
    assert f"audiomnist train --config {file}" in outcome.stdout
    first, *rest = file.read_text().splitlines()
    assert first == f"# audiomnist train --config {file}"
    assert rest == version_path(name).read_text().splitlines()[1:]
    assert load(file) == load(version_path(name))


def test_a_copy_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("seed: 1\n")
    assert refused(2, "config", "copy", "v1", file).error == f"{file} exists already"
    assert file.read_text() == "seed: 1\n"


def test_a_copy_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "gone.yaml" in refused(4, "config", "copy", tmp_path / "gone.yaml", tmp_path / "mine.yaml").error
    assert not (tmp_path / "mine.yaml").exists()


@pytest.mark.parametrize("verb", [("show", "v9"), ("copy", "v9", "mine.yaml")])
def test_an_unknown_version_is_refused_with_those_there_are(verb: tuple[str, ...]) -> None:
    refusal = refused(4, "config", *verb)
    assert refusal.error == "there is no version 'v9'"
    assert all(name in refusal.hint for name in versions())
