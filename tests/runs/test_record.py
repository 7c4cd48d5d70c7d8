from contextlib import suppress
from pathlib import Path

import pytest

from audiomnist.errors import DataError
from audiomnist.files import plain_cell, safe_cell
from audiomnist.runs.record import Folder, Record


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    Record(kind="train", classes=("0", "1")).save(folder.record_file)
    write(folder, "first")
    return folder


def write(folder: Folder, text: str) -> None:
    with folder.replacing(folder.config, folder.metrics) as files:
        for file in files:
            file.write_text(text)


def test_a_changed_or_lost_file_is_refused_by_name(folder: Folder) -> None:
    assert folder.verified(folder.config).read_text() == "first"
    folder.config.write_text("second")
    with pytest.raises(DataError, match="not the file that was written here"):
        folder.verified(folder.config)
    folder.config.unlink()
    with pytest.raises(DataError, match=r"config\.yaml is gone"):
        folder.verified(folder.config)
    folder.predictions.write_text("of somebody else")
    with pytest.raises(DataError, match=r"predictions\.csv"):
        folder.verified(folder.predictions)


def test_a_folder_without_a_record_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    write(folder, "anything")
    assert folder.verified(folder.config).read_text() == "anything"
    assert not folder.record_file.exists()


def test_a_failure_leaves_all_files_as_they_were(folder: Folder) -> None:
    with suppress(RuntimeError), folder.replacing(folder.config, folder.metrics) as (config, _):
        config.write_text("second")
        raise RuntimeError
    assert folder.verified(folder.config).read_text() == folder.verified(folder.metrics).read_text() == "first"


@pytest.mark.parametrize("n_moves", range(5))
def test_a_stop_between_any_two_files_leaves_a_whole_folder(
    folder: Folder, n_moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = 0
    replace = Path.replace

    def stop(source: Path, target: Path) -> Path:
        nonlocal moves
        moves += 1
        if moves > n_moves:
            raise OSError("killed")
        return replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop)
        with suppress(OSError):
            write(folder, "second")
    for file in (folder.config, folder.metrics):
        assert folder.verified(file).read_text() in {"first", "second"}
    write(folder, "third")
    assert folder.verified(folder.metrics).read_text() == "third"


@pytest.mark.parametrize("name", ["=1+1", "@x", "-2", "+a", "'=x", "''+", "plain", "'quoted'", ""])
def test_a_name_in_a_csv_is_no_formula_and_comes_back(name: str) -> None:
    assert not safe_cell(name).startswith(("=", "+", "-", "@"))
    assert plain_cell(safe_cell(name)) == name
