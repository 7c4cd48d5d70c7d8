"""Several corpora as one: every clip keeps what was known of it, and from where it comes."""

from pathlib import Path

import pytest

from audiomnist.corpus import scan
from audiomnist.errors import DataError
from tests.conftest import MakeCorpus
from tests.corpus.scanning import touch


def write_manifest(root: Path, *lines: str) -> Path:
    touch(root, *(line.split(",")[0] for line in lines[1:]))
    (root / "clips.csv").write_text("\n".join(lines))
    return root / "clips.csv"


def test_joined_clips_keep_columns_of_both_sides(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    own = scan(make_corpus(tmp_path / "own", layout="audiomnist", speakers=1, repetitions=1))
    other = scan(write_manifest(tmp_path / "other", "path,digit,speaker,age,split", "a.wav,3,ann,30,train"))
    both = own.joined(other, "other")
    assert both.columns["age"].tolist() == [20] * 10 + ["30"]
    assert both.columns["split"].tolist() == [None] * 10 + ["train"]
    assert both.columns["gender"].tolist()[-1] is None
    assert both.speakers.tolist()[-1] == "other:ann"


def test_corpora_join_again_and_again_with_unique_names(tmp_path: Path) -> None:
    corpora = [scan(touch(tmp_path / name, "3_ann_0.wav", "4_ann_0.flac")) for name in "abc"]
    joined = corpora[0].joined(corpora[1], "more").joined(corpora[2], "more")
    assert joined.source_names == ("a", "more", "more-2")
    assert joined.sources.tolist() == [0, 0, 1, 1, 2, 2]
    assert joined.speakers.tolist() == ["ann", "ann", "more:ann", "more:ann", "more-2:ann", "more-2:ann"]
    assert joined.select([5, 0]).sources.tolist() == [2, 0]
    assert len({joined.fingerprint, corpora[0].fingerprint, corpora[0].joined(corpora[1], "more").fingerprint}) == 3


def test_a_file_reached_by_a_link_is_found_in_both(tmp_path: Path) -> None:
    touch(tmp_path / "own", "3_ann_0.wav")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/3_bob_0.wav").symlink_to(tmp_path / "own/3_ann_0.wav")
    with pytest.raises(DataError, match="in two corpora"):
        scan(tmp_path / "own").joined(scan(tmp_path / "other"), "other")
