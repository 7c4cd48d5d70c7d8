"""The Python of the documentation runs as it stands."""

import re
from pathlib import Path

import pytest
import soundfile

from tests.conftest import MakeCorpus, say

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("document", ["README.md", "docs/using.md"])
def test_python_blocks_run(
    document: str, home: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_corpus(home / "data" / "synthetic")
    for name in ("seven.wav", "call.wav"):
        soundfile.write(tmp_path / name, say(7, 0, 0), 8_000)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, document, "exec"), names)
