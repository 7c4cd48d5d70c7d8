"""Names, times and manifests that nobody expects: scan and validate answer alike, and never with a traceback."""

import os
from pathlib import Path

import pytest

from audiomnist.corpus import scan
from audiomnist.corpus.validation import validate
from audiomnist.errors import DataError, printable
from tests.cli.command import audiomnist
from tests.corpus.scanning import facts, refusal, touch

NAMES = [
    "3__x_0.wav",
    "3___0.wav",
    "3_x__0.wav",
    "__0.wav",
    "3_ann_99999999999999999999.wav",
    "\u0663_ann_0.wav",
    "3_ann_\u0660.wav",
    "3_a\nn_0.wav",
    "3_\x1b[31mann_0.wav",
    "3_\u202eann_0.wav",
    "3_a$b_0.wav",
    "3_\N{GRINNING FACE}_0.wav",
    "3_ann_nohash_0.wav",
    "3_nohash_0.wav",
    "seven/x_nohash_0.wav",
    "01/3_02_0.wav",
    "-/--_-_0.wav",
    "=cmd/3_=ann_0.wav",
]


@pytest.mark.parametrize("name", NAMES)
def test_scan_takes_exactly_what_validate_finds_no_error_in(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "4_bob_0.wav", name)
    corpus = scan(tmp_path)
    corpus.fingerprint.encode()
    found = [finding for finding in validate(tmp_path).findings if finding.kind not in {"unreadable"}]
    assert (name in corpus.paths) != any(finding.path == printable(name) for finding in found)
    assert "".join((*corpus.paths, *corpus.strays)).isprintable()


def test_no_control_character_reaches_terminal_or_json(tmp_path: Path) -> None:
    touch(tmp_path, "4_bob_0.wav", "3_\x1b[31man\nn_0.wav", "a\x1b]0;title\x07.txt")
    shown = audiomnist("validate", "--data", tmp_path)
    assert "\x1b[31man" not in shown.stdout + shown.stderr
    assert "\x1b]0" not in shown.stdout + shown.stderr
    assert "3_\\x1b[31man\\nn_0.wav" in scan(tmp_path).strays


def test_a_time_of_change_in_2262_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "3_ann_0.wav")
    os.utime(tmp_path / "3_ann_0.wav", (9_300_000_000, 9_300_000_000))
    assert scan(tmp_path).fingerprint


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (r'{"path": "a.wav", "digit": 3, "speaker": "x\ud800"}', "Invalid JSON"),
        (r'{"path": "a.wav", "digit": 3, "speaker": "x\u001b[0m"}', "speaker 'x\\x1b[0m' is not plain text"),
        (r'{"path": "a.wav", "digit": 3, "speaker": {"name": "x"}}', "speaker {'name': 'x'} is not text"),
        (r'{"path": "a\u0000.wav", "digit": 3, "speaker": "x"}', r"path 'a\x00.wav' is not plain text"),
        ('{"path": "' + 300 * "a" + '", "digit": 3, "speaker": "x"}', "no such file"),
        (r'{"path": "a.wav", "digit": true, "speaker": "x"}', "digit True"),
        (r'{"path": "a.wav", "digit": "\u0663", "speaker": ""}', "is not one of 0-9; speaker '' is empty"),
        ("[" * 100_000, "Invalid JSON"),
        ('{"digit": ' + 5_000 * "9" + "}", "Invalid JSON"),
    ],
    ids=["surrogate", "escape", "object", "nul", "long", "true", "arabic", "deep", "huge"],
)
def test_an_odd_line_is_named_by_its_number(tmp_path: Path, line: str, reason: str) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "clips.jsonl").write_text(line)
    message = refusal(tmp_path / "clips.jsonl").message
    assert "line 1: " in message
    assert reason in message
    message.encode()


def test_odd_values_of_further_columns_do_no_harm(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    lines = (
        r'{"path": "a.wav", "digit": 3, "speaker": "x", "age": Infinity, "mood": "\u001b\n", "rooms": [1, 2]}',
        r'{"path": "b.wav", "digit": 3, "speaker": "x", "age": 1e999, "mood": "", "rooms": [3, 4]}',
    )
    (tmp_path / "clips.jsonl").write_text("\n".join(lines))
    corpus = scan(tmp_path / "clips.jsonl")
    assert corpus.columns["mood"].tolist() == ["\\x1b\\n", ""]
    assert corpus.columns["rooms"].tolist() == ["[1, 2]", "[3, 4]"]
    assert corpus.fingerprint


@pytest.mark.parametrize(("sign", "shown"), [(";", "';'"), ("\t", r"'\t'"), ("|", "'|'")])
def test_a_csv_of_another_delimiter_names_it(tmp_path: Path, sign: str, shown: str) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "clips.csv").write_text(f"path{sign}digit{sign}speaker\na.wav{sign}3{sign}ann\n")
    message = refusal(tmp_path / "clips.csv").message
    assert f"columns are separated by {shown}; separate them by commas" in message
    assert "line 2" not in message


@pytest.mark.parametrize(
    "content",
    ['{"01": {"age": Infinity}}', '{"01": {"age": 1e999}}', r'{"01": {"gender": "\ud800"}}', '{"\\u001b": {"age": 3}}'],
)
def test_odd_speaker_metadata_is_read(tmp_path: Path, content: str) -> None:
    touch(tmp_path, "3_01_0.wav")
    (tmp_path / "audioMNIST_meta.txt").write_text(content)
    assert scan(tmp_path).fingerprint
    assert all((finding.path + finding.detail).isprintable() for finding in validate(tmp_path).findings)


def test_metadata_too_deep_to_read_is_refused_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "3_01_0.wav")
    (tmp_path / "audioMNIST_meta.txt").write_text("[" * 100_000)
    with pytest.raises(DataError, match="not speaker metadata"):
        scan(tmp_path)


def test_metadata_is_found_at_any_depth_by_scan_and_validate(tmp_path: Path) -> None:
    touch(tmp_path, "a/b/3_01_0.wav")
    (tmp_path / "a/b/audioMNIST_meta.txt").write_text('{"01": {"age": 33}, "02": {}}')
    assert scan(tmp_path).columns["age"].tolist() == [33]
    assert [finding.detail for finding in validate(tmp_path).findings if finding.kind == "metadata"] == [
        "speaker 02 is described but has no clips"
    ]


def test_a_clip_in_another_speakers_folder_is_not_trained_on(tmp_path: Path) -> None:
    corpus = scan(touch(tmp_path, "01/3_01_0.wav", "01/4_02_0.wav", "02/4_02_1.wav"))
    assert [fact[0] for fact in facts(corpus)] == ["01/3_01_0.wav", "02/4_02_1.wav"]
    assert corpus.layout == "audiomnist"
    assert corpus.strays == ("01/4_02_0.wav",)


def test_links_that_loop_are_left_aside(tmp_path: Path) -> None:
    touch(tmp_path, "3_ann_0.wav")
    (tmp_path / "4_ann_0.wav").symlink_to("4_ann_1.wav")
    (tmp_path / "4_ann_1.wav").symlink_to("4_ann_0.wav")
    (tmp_path / "deeper").symlink_to(tmp_path, target_is_directory=True)
    assert scan(tmp_path).paths == ("3_ann_0.wav",)
    assert sum(finding.severity == "error" for finding in validate(tmp_path).findings) == 3
