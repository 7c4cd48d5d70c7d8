"""Sound files that lie are read in a child process with little memory and time: each gives sound or one reason."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiomnist.audio import BadSound, header, read
from tests.bad_audio import RATE_HZ, bad_files, speech, untagged_mp3, wav, with_flac_length

READER = """
import json, resource, sys
from pathlib import Path
from audiomnist.audio import BadSound, header, read, resample

resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    answers = {}
    for question in (header, read):
        try:
            answer = question(path)
            answers[question.__name__] = "fine"
        except BadSound as error:
            assert str(path) in error.message, error.message
            assert "\\n" not in error.message, error.message
            answers[question.__name__] = error.kind
    if answers["read"] == "fine":
        resample(*answer, 48_000)
    print(json.dumps([path.name, answers]), flush=True)
most_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps(["memory", most_mb]))
"""


def answers_in_a_child(folder: Path) -> dict[str, dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-2000:]
    answers = dict(json.loads(line) for line in done.stdout.splitlines())
    assert answers.pop("memory") < 400
    return answers


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("bad")
    for name, content in bad_files():
        (folder / name).write_bytes(content)
    return answers_in_a_child(folder)


def test_hundreds_of_bad_files_neither_crash_nor_hang(answers: dict[str, dict[str, str]]) -> None:
    assert len(answers) >= 300
    assert {answer for both in answers.values() for answer in both.values()} == {
        "fine",
        "unreadable",
        "empty",
        "truncated",
        "beyond limits",
        "NaN or infinite",
        "too loud",
    }


def test_what_the_header_shows_to_be_bad_is_never_read(answers: dict[str, dict[str, str]]) -> None:
    assert not [name for name, both in answers.items() if both["header"] != "fine" and both["read"] == "fine"]


def test_no_file_that_is_cut_off_is_read(answers: dict[str, dict[str, str]]) -> None:
    cut = {name: both["read"] for name, both in answers.items() if " cut at " in f" {name}"}
    assert len(cut) > 100
    assert not [name for name, answer in cut.items() if answer == "fine"]


def test_no_other_format_reaches_the_decoder(answers: dict[str, dict[str, str]]) -> None:
    disguised = {name: both["header"] for name, both in answers.items() if "disguise" in name or "behind" in name}
    assert len(disguised) > 10
    assert set(disguised.values()) == {"unreadable"}


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (wav(rate_hz=1), "beyond limits", "1 Hz; recordings have 4,000 to 192,000 Hz"),
        (wav(rate_hz=1_000_003), "beyond limits", "1,000,003 Hz"),
        (wav(rate_hz=2**31 - 1), "beyond limits", "2,147,483,647 Hz"),
        (with_flac_length(2**36 - 1), "beyond limits", "4,294,967 seconds"),
        (with_flac_length(0), "unreadable", "does not say how long"),
        (with_flac_length(8_001), "unreadable", "cannot be decoded"),
    ],
    ids=["rate 1", "rate 1000003", "rate 2^31-1", "length 2^36-1", "length 0", "length + 1"],
)
def test_a_header_that_lies_gives_its_reason(tmp_path: Path, content: bytes, kind: str, reason: str) -> None:
    (tmp_path / "clip").write_bytes(content)
    with pytest.raises(BadSound, match=reason) as error:
        read(tmp_path / "clip")
    assert error.value.kind == kind


def test_an_odd_rate_within_the_limits_is_read(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").write_bytes(wav(rate_hz=44_101))
    assert read(tmp_path / "clip.wav")[1] == 44_101


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_whole_mp3_is_read_at_every_rate(tmp_path: Path, rate_hz: int, channels: int) -> None:
    soundfile.write(tmp_path / "clip.mp3", np.stack([speech(2)] * channels, 1), rate_hz, format="MP3")
    samples, found_hz = read(tmp_path / "clip.mp3")
    assert (len(samples), found_hz) == (2 * RATE_HZ, rate_hz)


def test_a_whole_mp3_without_its_tag_is_read(tmp_path: Path) -> None:
    (tmp_path / "clip.mp3").write_bytes(untagged_mp3())
    assert len(read(tmp_path / "clip.mp3")[0]) == 21 * 576


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "dead link", "looping link", "device", "nothing"])
def test_what_is_no_file_gives_its_reason_at_once(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path = Path("odd.wav")
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as waiting:
                waiting.bind(str(path))
        case "folder":
            path.mkdir()
        case "dead link":
            path.symlink_to("nowhere")
        case "looping link":
            path.symlink_to(path)
        case "device":
            path.symlink_to("/dev/zero")
    for question in (header, read):
        with pytest.raises(BadSound, match=r"odd\.wav: (not a regular file|cannot be read)") as error:
            question(path)
        assert error.value.kind == "unreadable"


def test_a_name_of_control_characters_is_shown_escaped(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/3_\x1b[31m\n\xff_0.wav"))
    with pytest.raises(BadSound) as error:
        read(path)
    assert r"3_\x1b[31m\n\udcff_0.wav: cannot be read" in error.value.message
