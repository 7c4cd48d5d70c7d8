"""Whatever a file holds, reading it gives a corpus or one message, never a traceback."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomnist.config import load, version_path
from audiomnist.corpus import scan
from audiomnist.corpus.validation import validate
from audiomnist.errors import ConfigError, DataError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PIECES = st.lists(
    st.sampled_from(b'path digit speaker , \n " { } : [ a.wav 3 ann \xff \0'.split(b" ")),
    max_size=30,
).map(b"".join)


@given(
    st.binary(max_size=100) | PIECES,
    st.sampled_from(["clips.csv", "clips.jsonl", "audioMNIST_meta.txt", "testing_list.txt"]),
)
def test_any_bytes_give_a_corpus_or_one_message(content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for clip in ("a.wav", "3_01_0.wav", "three/ann_nohash_0.wav", "validation_list.txt"):
            (root / clip).parent.mkdir(exist_ok=True)
            (root / clip).write_bytes(b"")
        (root / name).write_bytes(content)
        place = root / name if name.startswith("clips") else root
        try:
            scan(place).fingerprint.encode()
        except DataError as error:
            error.message.encode()
        assert validate(place).findings


@given(
    st.dictionaries(st.sampled_from(["01", "02", "\x1b"]), st.dictionaries(st.sampled_from(["age", "gender"]), JSON))
)
def test_any_speaker_metadata_is_read_or_refused(entries: dict[str, dict[str, object]]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "3_01_0.wav").write_bytes(b"")
        (root / "audioMNIST_meta.txt").write_text(json.dumps(entries), encoding="utf-8")
        corpus = scan(root)
        assert corpus.fingerprint
        for values in corpus.columns.values():
            assert all(value is None or str(value).isprintable() for value in values)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_configuration_is_read_or_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.yaml"
        path.write_bytes(content)
        with suppress(ConfigError):
            load(path)


@given(st.sampled_from(["seed", "optim.lr", "window.clip_ms", "version", "extra_data"]), st.text(max_size=30))
def test_any_change_is_taken_or_refused(key: str, value: str) -> None:
    with suppress(ConfigError):
        load(version_path("v2"), [f"{key}={value}"])


@pytest.mark.parametrize("name", ["clips.csv", "clips.jsonl"])
def test_a_manifest_that_cannot_be_opened_is_a_finding(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe")
    assert [finding.kind for finding in validate(tmp_path / name).findings] == ["manifest"]
