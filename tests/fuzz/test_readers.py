"""Readers are given bytes that are nearly right."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import READERS

ODD = [b"", b"\0", b"\xff" * 4, b"-1", b"1e999", b"NaN", b"\n", b'"', b",", b"[" * 50, b"\x7f\xff\xff\xff", b"null"]


@cache
def seeds(name: str) -> list[bytes]:
    return list(READERS[name].seeds())


@st.composite
def changed(draw: st.DrawFn, name: str) -> bytes:
    """A whole file with pieces of it replaced, moved or cut off."""
    content = draw(st.sampled_from(seeds(name)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        content = content[:start] + draw(st.sampled_from(ODD) | st.binary(max_size=8)) + content[end:]
    return content[: draw(st.just(len(content)) | st.integers(0, len(content)))]


@pytest.mark.parametrize("name", READERS)
def test_a_changed_file_is_read_or_refused_with_a_reason(name: str) -> None:
    @settings(max_examples=25)
    @given(changed(name))
    def read(content: bytes) -> None:
        READERS[name](content)

    for content in seeds(name):
        READERS[name](content)
    read()
