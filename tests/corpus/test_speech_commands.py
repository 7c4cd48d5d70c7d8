"""Speech Commands: ``<word>/<speaker>_nohash_<n>.wav``, with other words and noise beside the digits."""

from pathlib import Path

import pytest

from audiomnist.config import Split as Settings
from audiomnist.corpus import scan, split
from audiomnist.corpus.validation import validate
from audiomnist.errors import ConfigError, DataError
from tests.conftest import MakeCorpus
from tests.corpus.scanning import facts, touch


@pytest.fixture
def root(tmp_path: Path) -> Path:
    touch(tmp_path, "nine/0a7c2a8d_nohash_1.wav", "zero/0a7c2a8d_nohash_0.wav", "zero/ann_nohash_12.flac")
    touch(tmp_path, "bed/0a7c2a8d_nohash_0.wav", "_background_noise_/pink.wav", "LICENSE")
    return tmp_path


def listed(root: Path) -> Path:
    (root / "validation_list.txt").write_text("zero/ann_nohash_12.wav\nbed/0a7c2a8d_nohash_0.wav\n")
    (root / "testing_list.txt").write_text("zero/0a7c2a8d_nohash_0.wav\n")
    return root


def test_digits_are_the_corpus_and_other_words_are_known(root: Path) -> None:
    corpus = scan(root)
    assert corpus.layout == "speech-commands"
    assert facts(corpus) == [
        ("nine/0a7c2a8d_nohash_1.wav", 9, "0a7c2a8d", 1),
        ("zero/0a7c2a8d_nohash_0.wav", 0, "0a7c2a8d", 0),
        ("zero/ann_nohash_12.flac", 0, "ann", 12),
    ]
    assert corpus.other_words == ("bed/0a7c2a8d_nohash_0.wav",)
    assert corpus.strays == ("LICENSE",)


def test_the_official_lists_divide_it(root: Path) -> None:
    corpus = scan(listed(root))
    drawn = split(corpus, Settings(scheme="speech-commands-official"), 0)
    assert [part.tolist() for part in (drawn.train, drawn.validation, drawn.test)] == [[0], [2], [1]]


def test_it_may_lie_a_folder_deeper(root: Path) -> None:
    contents = list(listed(root).iterdir())
    (root / "deeper").mkdir()
    for path in contents:
        path.rename(root / "deeper" / path.name)
    assert scan(root).columns["split"].tolist() == ["train", "test", "validation"]


@pytest.mark.parametrize("missing", ["validation_list.txt", "testing_list.txt"])
def test_without_both_lists_the_scheme_is_refused(root: Path, missing: str) -> None:
    (listed(root) / missing).unlink()
    with pytest.raises(ConfigError, match=r"has no validation_list\.txt"):
        split(scan(root), Settings(scheme="speech-commands-official"), 0)


def test_another_layout_has_no_official_lists(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    listed(make_corpus(tmp_path))
    with pytest.raises(ConfigError, match="Speech Commands"):
        split(scan(tmp_path), Settings(scheme="speech-commands-official"), 0)


def test_a_list_that_is_no_text_is_refused_by_name(root: Path) -> None:
    (listed(root) / "testing_list.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"testing_list\.txt"):
        scan(root)


def test_only_other_words_make_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clip"):
        scan(touch(tmp_path, "bed/ann_nohash_0.wav"))


def test_validate_takes_it_as_it_is(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    clips = sorted(make_corpus(tmp_path / "fsdd", speakers=1, repetitions=1).iterdir())
    for number, word in enumerate(("zero", "one", "bed")):
        (tmp_path / "words" / word).mkdir(parents=True)
        clips[number].rename(tmp_path / "words" / word / "0a7c2a8d_nohash_0.wav")
    assert validate(listed(tmp_path / "words"), deep=True).findings == ()
