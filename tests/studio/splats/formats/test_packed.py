"""Reading .spz and .splat files: bombs, lies and what is cut off."""

from __future__ import annotations

import gzip
import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

from studio.errors import BadSplat
from studio.splats.any_format import read_splat
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.spz import write_spz
from studio.splats.sanitize import MAX_BYTES
from studio.splats.splat import MAX_SPLATS
from tests.studio.splats_in import complaint, some, spz

# --- .spz -------------------------------------------------------------------------------------------------------------


def test_a_gzip_bomb_is_not_unpacked():
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    bomb = packer.compress(struct.pack("<4sIIBBBB", b"NGSP", 3, 5, 0, 12, 0, 0))
    bomb += b"".join([*(packer.compress(block) for _ in range(200)), packer.flush()])
    assert len(bomb) < 500_000
    tracemalloc.start()
    try:
        assert read_splat(bomb).splat.count == 5  # what it declares, and not a byte of the rest
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert "without a splat in it" in complaint(gzip.compress(block * 20, 9), 2)


@pytest.mark.parametrize("count", [MAX_SPLATS + 1, 2**31, 2**32 - 1])
def test_an_spz_of_too_many_splats_is_refused(count: int):
    assert f"declares {count:,} splats" in complaint(spz(count, b""), 2)


def test_an_spz_that_ends_early_is_cut_off():
    assert "declares 100 splats and ends before the last" in complaint(spz(100, bytes(1999)))
    data = write_spz(some(200))
    for length in range(3, len(data), 101):
        assert re.search("cut off|damaged|without a splat", complaint(data[:length])), length


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (spz(1, bytes(64), version=1), "version 1; Diorama reads 2 and 3"),
        (spz(1, bytes(64), version=7), "version 7"),
        (b"NGSP" + struct.pack("<II", 4, 1) + bytes(100), "version 4 or newer"),
        (spz(0, b""), "has no splats in it"),
        (spz(1, bytes(64), degree=5), "makes no sense"),
        (spz(1, bytes(64), bits=200), "makes no sense"),
        (spz(1, bytes(64), flags=2), "has extensions"),
        (spz(2_000_000, b"", degree=4), "unpacks to 384 MB" if MAX_BYTES < 184_000_000 else "ends before the last"),
        (b"\x1f\x8b\x08\x00" + bytes(100), "without a splat|damaged"),
        (gzip.compress(b"hello"), "without a splat"),
        (gzip.compress(b"ply\nformat ascii 1.0\nend_header\n"), "is packed with gzip. Unpack it"),
        (b"\x1f\x8b\x08", "without a splat"),
    ],
)
def test_an_spz_that_cannot_be_read_says_why(file: bytes, said: str):
    assert re.search(said, complaint(file, 400))


# --- .splat -----------------------------------------------------------------------------------------------------------


def test_a_dot_splat_of_a_part_of_a_row_is_no_splat():
    assert "not a splat" in complaint(write_antimatter(some(3))[:-1])


def test_a_dot_splat_of_more_rows_than_are_taken_is_refused(tmp_path: Path):
    path = tmp_path / "many.splat"
    with path.open("wb") as file:
        file.write(write_antimatter(some(1000)))
        file.truncate(32 * (MAX_SPLATS + 1))
    with pytest.raises(BadSplat, match="declares 2,000,001 splats"):
        read_splat(path)
