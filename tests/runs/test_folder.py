from pathlib import Path

import pytest

from audiomnist.config import Split as Settings
from audiomnist.corpus import scan, split
from audiomnist.runs.split_file import SplitFile, write_split
from tests.conftest import MakeCorpus


@pytest.mark.parametrize("scheme", ["random", "speaker"])
@pytest.mark.parametrize("seed", [0, 2, 4])
def test_a_split_is_read_as_it_was_saved(make_corpus: MakeCorpus, tmp_path: Path, scheme: str, seed: int) -> None:
    """A voice with one clip, which a random split may put among the test clips, is not held out by that."""
    make_corpus(tmp_path / "corpus", speakers=3)
    (tmp_path / "corpus" / "0_george_0.wav").rename(tmp_path / "corpus" / "0_zoe_0.wav")
    corpus = scan(tmp_path / "corpus")
    drawn = split(corpus, Settings(scheme=scheme, validation_fraction=0.25), seed)
    digests = [bytes([clip]) for clip in range(len(corpus))]
    write_split(tmp_path / "split.csv", corpus, drawn, digests)
    read = SplitFile.read(tmp_path / "split.csv").split(corpus)
    for part in ("train", "validation", "test"):
        assert getattr(read, part).tolist() == getattr(drawn, part).tolist()
    assert read.held_out == drawn.held_out
