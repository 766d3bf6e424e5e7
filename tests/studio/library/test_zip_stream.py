"""Many pictures as one zip, made while it is read."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from studio.errors import NotFound
from studio.library.zip_stream import Entry, zipped
from studio.service import Studio
from tests.studio.fakes import OWNER
from tests.studio.library.test_store import made


def opened(studio: Studio, *ids: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(studio.bundle(OWNER, ids))))


def test_a_zip_holds_the_files_under_their_own_names(studio: Studio):
    first, second, third = made(studio, count=3)
    studio.delete(OWNER, [second.id])
    archive = opened(studio, third.id, first.id, second.id, first.id)
    assert archive.namelist() == [third.name, first.name, second.name]
    assert archive.testzip() is None
    for asset in (first, second, third):
        assert archive.read(asset.name) == studio.path(OWNER, asset.id).read_bytes()


def test_an_empty_zip_is_one(studio: Studio):
    assert opened(studio).namelist() == []


def test_one_unknown_id_and_nothing_begins(studio: Studio):
    (asset,) = made(studio)
    (theirs,) = made(studio, owner="them")
    for id in ("0" * 32, theirs.id, "../../etc/passwd", None, []):
        with pytest.raises(NotFound):
            studio.bundle(OWNER, [asset.id, id])


def test_a_picture_that_is_deleted_meanwhile_is_in_it_all_the_same(studio: Studio):
    first, second = made(studio, count=2)
    pieces = studio.bundle(OWNER, [first.id, second.id])
    begun = next(pieces)
    studio.delete(OWNER, [second.id])
    assert zipfile.ZipFile(io.BytesIO(begun + b"".join(pieces))).testzip() is None


def test_at_no_time_is_more_than_a_block_in_memory(tmp_path: Path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64_000_000)
    tracemalloc.start()
    length = sum(len(piece) for piece in zipped([Entry(f"{number}.png", lambda: path) for number in range(3)]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > 192_000_000 and most < 5_000_000


def test_other_programs_can_open_it(studio: Studio, tmp_path: Path):
    assets = made(studio, count=2)
    path = tmp_path / "pictures.zip"
    path.write_bytes(b"".join(studio.bundle(OWNER, [asset.id for asset in assets])))
    code = "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, path, tmp_path / "unpacked"], check=True)
    assert sorted(os.listdir(tmp_path / "unpacked")) == sorted(asset.name for asset in assets)


def test_a_file_from_before_1980_can_be_packed(studio: Studio):
    (asset,) = made(studio)
    os.utime(studio.path(OWNER, asset.id), (0, 0))
    assert opened(studio, asset.id).getinfo(asset.name).date_time[0] == 1980
