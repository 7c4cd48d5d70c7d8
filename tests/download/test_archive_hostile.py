"""Unpacking archives that were made to do harm."""

import gzip
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from audiomnist.errors import DataError
from tests.download.small_corpora import tar_bytes, wav_bytes, zip_bytes
from tests.download.unpacking import CLIP, FORMATS, Unpacker, tar_member, tar_of, zip_of


@pytest.fixture
def take(tmp_path: Path) -> Unpacker:
    return Unpacker(tmp_path)


@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes])
def test_no_path_leads_out_of_the_folder(take: Unpacker, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    paths = ["/", "../../", "a/../../", "C:/", "..\\", "data/01/\n/"]
    unwanted = [f"{folder}README.md" for folder in paths]
    clips = {f"{folder}{digit}_01_0.wav": wav_bytes(digit) for digit, folder in enumerate(paths)}
    take(pack({**dict.fromkeys(unwanted, b"read"), **clips, "..": b"x", "0_../../x_0.wav": b"x"}))
    assert take.files.keys() == {f"data/01/{digit}_01_0.wav" for digit in range(len(paths)) if paths[digit] != "..\\"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_passed_over(take: Unpacker, kind: bytes) -> None:
    assert take(tar_of(tar_member(CLIP, kind, target="/etc/passwd"))) == [CLIP]
    assert take.files == {}


def test_nothing_is_written_behind_a_linked_folder(take: Unpacker) -> None:
    take(tar_of(tar_member("data", tarfile.SYMTYPE, str(take.home)), tar_member(CLIP)))
    assert take.files == {CLIP: b""}


def test_a_link_in_a_zip_is_not_one_on_disk(take: Unpacker) -> None:
    info = zipfile.ZipInfo(CLIP)
    info.external_attr = 0o120777 << 16
    take(zip_of((info, b"/etc/passwd")))
    assert take.files == {CLIP: b"/etc/passwd"}


def test_an_encrypted_zip_is_refused(take: Unpacker) -> None:
    content = bytearray(zip_of((CLIP, wav_bytes())))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", content, content.index(signature) + offset, 1)
    with pytest.raises(DataError, match="encrypted"):
        take(bytes(content))


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_bytes_are_refused(take: Unpacker, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiomnist.download.archive.MOST_BYTES", 1_000_000)
    content = FORMATS[kind]({"data/01/1_01_0.wav": wav_bytes(), CLIP: bytes(3_000_000)})
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        take(content)
    assert CLIP not in take.files


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_files_are_refused(take: Unpacker, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiomnist.download.archive.MOST_FILES", 100)
    with pytest.raises(DataError, match="more than 100 files"):
        take(FORMATS[kind]({f"{number}.txt": b"" for number in range(101)}))


def test_a_zip_that_declares_less_than_it_holds_is_refused(take: Unpacker) -> None:
    content = bytearray(zip_of((CLIP, bytes(3_000_000))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", content, content.index(signature) + offset, 1000)
    with pytest.raises(DataError, match="cannot be unpacked"):
        take(bytes(content))
    assert sum(map(len, take.files.values())) <= 1000


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_header_too_large_for_memory_is_not_read(take: Unpacker, kind: bytes) -> None:
    member = tar_member("long", kind)
    member.size = 5_000_000
    content = member.tobuf(tarfile.GNU_FORMAT) + bytes(5_000_000) + bytes(1024)
    with pytest.raises(DataError, match="header of more than"):
        take(gzip.compress(content, 1))


def test_a_chain_of_headers_without_end_is_refused(take: Unpacker) -> None:
    member = tar_member("long", tarfile.GNUTYPE_LONGNAME)
    with pytest.raises(DataError):
        take(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) * 5000 + bytes(1024)))
