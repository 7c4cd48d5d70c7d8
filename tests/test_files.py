import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.files import alone_in, atomic_path, home, write_text

WRITE_HALF_AND_DIE = """
import os, signal, sys
from pathlib import Path
from audiomnist.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_the_new_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_file_alone(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_leaves_goes_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    process = subprocess.run([sys.executable, "-c", WRITE_HALF_AND_DIE, path], check=False)
    assert process.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    with atomic_path(tmp_path / "under-way") as under_way:
        write_text(tmp_path / "other", "text")
        assert sorted(tmp_path.iterdir()) == sorted([path, tmp_path / "other", under_way])


def test_a_temporary_file_is_hidden_beside_its_target(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "figure.png") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".png"


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "file.txt", "text")
    assert (tmp_path / "a" / "b" / "file.txt").read_text() == "text"


def test_a_file_is_readable_by_whom_the_umask_lets(tmp_path: Path, umask: int) -> None:
    write_text(tmp_path / "file.txt", "text")
    assert (tmp_path / "file.txt").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        write_text(folder, "text")
    assert list(tmp_path.iterdir()) == [folder]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "text" / "file.txt"
    write_text(path, text)
    assert path.read_text(encoding="utf-8") == text


def test_home_is_the_working_folder_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home() == Path(os.environ["AUDIOMNIST_HOME"])
    monkeypatch.delenv("AUDIOMNIST_HOME")
    monkeypatch.chdir(tmp_path)
    assert home().resolve() == tmp_path.resolve()


def test_a_second_process_is_kept_out_of_a_folder(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from audiomnist.files import alone_in\n"
        "with alone_in(Path(sys.argv[1]), 'busy', 'wait'): print('in')"
    )
    call = [sys.executable, "-c", program, str(tmp_path)]
    with alone_in(tmp_path, "busy", "wait"):
        assert "DataError: busy" in subprocess.run(call, capture_output=True, text=True, check=False).stderr
    assert subprocess.run(call, capture_output=True, text=True, check=True).stdout == "in\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_what_a_zombie_left_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    writer = subprocess.Popen([sys.executable, "-c", WRITE_HALF_AND_DIE, str(target)])
    os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked for it
    assert len(list(tmp_path.iterdir())) == 1
    write_text(target, "whole")
    assert list(tmp_path.iterdir()) == [target]
    assert writer.wait() == -signal.SIGKILL
