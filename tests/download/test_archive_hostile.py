"""Unpacking archives that were made to do harm."""

import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from audiomnist.download.archive import Limits
from audiomnist.errors import DataError
from tests.download.small_corpora import tar_bytes, wav_bytes, zip_bytes
from tests.download.unpacking import CLIP, FORMATS, Unpacker, zip_of


@pytest.fixture
def take(tmp_path: Path) -> Unpacker:
    return Unpacker(tmp_path)


def tar_of(*members: tarfile.TarInfo, content: bytes = b"") -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as opened:
        for member in members:
            opened.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return archive.getvalue()


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member


@pytest.mark.parametrize(
    "name",
    [
        f"/{CLIP}",
        f"//{CLIP}",
        f"../{CLIP}",
        f"a/../../{CLIP}",
        "a/..",
        "..",
        f"C:/{CLIP}",
        f"c:{CLIP}",
        "data\\01\\0_01_0.wav",
        "..\\0_01_0.wav",
        "data/01/\n0_01_0.wav",
        "data/\x07/0_01_0.wav",
        "/README.md",
        "../README.md",
    ],
)
@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes])
def test_paths_that_lead_out_are_refused(take: Unpacker, name: str, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(DataError, match="may lead out"):
        take(pack({name: wav_bytes()}))
    assert take.files == {}


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        b"Z",
    ],
)
@pytest.mark.parametrize("name", [CLIP, "README.md"])
def test_links_and_devices_in_a_tar_are_refused(take: Unpacker, kind: bytes, name: str) -> None:
    with pytest.raises(DataError, match="a link, a device"):
        take(tar_of(tar_member(name, kind, target="/etc/passwd")))
    assert take.files == {}


def test_sparse_files_in_a_tar_are_refused(take: Unpacker) -> None:
    with pytest.raises(DataError, match="sparse file"):
        take(tar_of(tar_member(CLIP, tarfile.GNUTYPE_SPARSE)))


def test_a_file_behind_a_linked_folder_is_refused(take: Unpacker) -> None:
    with pytest.raises(DataError, match="a link, a device"):
        take(tar_of(tar_member("data", tarfile.SYMTYPE, str(take.home)), tar_member(CLIP)))
    assert take.files == {}


@pytest.mark.parametrize("mode", [0o120777, 0o010644, 0o020644, 0o060644, 0o140644])
def test_links_and_devices_in_a_zip_are_refused(take: Unpacker, mode: int) -> None:
    info = zipfile.ZipInfo(CLIP)
    info.external_attr = mode << 16
    with pytest.raises(DataError, match="link or a device"):
        take(zip_of((info, b"/etc/passwd")))
    assert take.files == {}


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x2001])
def test_an_encrypted_zip_is_refused(take: Unpacker, flags: int) -> None:
    content = bytearray(zip_of((CLIP, wav_bytes())))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", content, content.index(signature) + offset, flags)
    with pytest.raises(DataError, match="which is encrypted"):
        take(bytes(content))


def test_a_zip_compressed_in_an_unusual_way_is_refused(take: Unpacker) -> None:
    info = zipfile.ZipInfo(CLIP)
    info.compress_type = zipfile.ZIP_LZMA
    with pytest.raises(DataError, match="unusual"):
        take(zip_of((info, wav_bytes())))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", [CLIP, "README.md"])
def test_an_archive_that_unpacks_to_too_much_is_refused(take: Unpacker, kind: str, name: str) -> None:
    content = FORMATS[kind]({"data/01/1_01_0.wav": random.Random(0).randbytes(10_000), name: bytes(3_000_000)})
    with pytest.raises(DataError, match="unpacks to more than 1,000,000 bytes"):
        take(content, Limits(unpacked_bytes=1_000_000, ratio=1e6))
    assert CLIP not in take.files


@pytest.mark.parametrize("kind", FORMATS)
def test_an_archive_of_a_ratio_that_no_speech_has_is_refused(take: Unpacker, kind: str) -> None:
    with pytest.raises(DataError, match="unpacks to more than"):
        take(FORMATS[kind]({CLIP: bytes(20_000_000)}))
    assert take.files == {}


def test_a_zip_that_declares_less_than_it_holds_is_refused(take: Unpacker) -> None:
    content = bytearray(zip_of((CLIP, bytes(3_000_000))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", content, content.index(signature) + offset, 1000)
    with pytest.raises(DataError, match="damaged"):
        take(bytes(content), Limits(ratio=1e6))
    assert sum(map(len, take.files.values())) <= 1000


def test_a_zip_whose_files_share_their_bytes_is_bounded_by_what_it_declares(take: Unpacker) -> None:
    content = zip_bytes({f"{digit}_01_{repetition}.wav": bytes(10**6) for digit in range(10) for repetition in (0, 1)})
    with pytest.raises(DataError, match="unpacks to more than 5,000,000"):
        take(content, Limits(unpacked_bytes=5_000_000, ratio=1e6))


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_entries_are_refused(take: Unpacker, kind: str) -> None:
    with pytest.raises(DataError, match="more than 100 entries"):
        take(FORMATS[kind]({f"{number}.txt": b"" for number in range(101)}), Limits(entries=100, ratio=1e6))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_too_large_for_memory_is_not_read(take: Unpacker, kind: bytes) -> None:
    member = tar_member("long", kind)
    member.size = 5_000_000
    content = member.tobuf(tarfile.GNU_FORMAT) + bytes(5_000_000) + bytes(1024)
    with pytest.raises(DataError, match="larger header"):
        take(gzip.compress(content, 1), Limits(ratio=1e6))


def test_many_headers_that_are_large_together_are_not_read(take: Unpacker) -> None:
    member = tar_member("long", tarfile.GNUTYPE_LONGNAME)
    member.size = 1 << 10
    pair = member.tobuf(tarfile.GNU_FORMAT) + b"a/" * (1 << 9) + tar_member("README.md").tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(DataError, match="more than 200 entries"):
        take(gzip.compress(pair * 201 + bytes(1024), 1), Limits(entries=200, ratio=1e6))


@pytest.mark.parametrize("offset", [2**32 - 1, 2**31, 100])
def test_a_zip_that_points_outside_itself_is_refused(take: Unpacker, offset: int) -> None:
    for field in (16, 12):
        content = bytearray(zip_of((CLIP, wav_bytes())))
        struct.pack_into("<L", content, content.index(b"PK\x05\x06") + field, offset)
        with pytest.raises(DataError, match="damaged"):
            take(bytes(content))


def test_a_chain_of_headers_without_end_is_refused(take: Unpacker) -> None:
    member = tar_member("long", tarfile.GNUTYPE_LONGNAME)
    with pytest.raises(DataError):
        take(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) * 5000 + bytes(1024)))


def test_a_size_below_zero_is_refused(take: Unpacker) -> None:
    header = bytearray(tar_member(CLIP).tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 11 + b"\x00"
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:512]) + 8 * 32)
    with pytest.raises(DataError):
        take(gzip.compress(bytes(header) + bytes(1024)))
