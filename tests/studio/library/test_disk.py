"""A disk that is full, read-only, taken or damaged: a sentence, nothing half-written, and the next job works."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from studio.contract import ImageRequest, Size
from studio.errors import OutputsInUse, StorageFailed
from studio.library.database import Database
from studio.library.files import storage_errors
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, spec_of

ROOT = Path(__file__).parents[3]


def noise(request: ImageRequest) -> Image.Image:
    """A picture that no compression makes small: 3 bytes per pixel."""
    return Image.frombytes("RGB", request.size, os.urandom(3 * request.size[0] * request.size[1]))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file may grow beyond this: a full disk, for whoever runs the test."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path, options: str = "size=1m") -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs more rights")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EDQUOT, "the disk is full. Free some space"),
        (errno.EROFS, "the disk is read-only. Start Diorama with --outputs"),
        (errno.EACCES, "writing is not permitted. Change the folder's permissions"),
        (errno.ENOENT, "the folder is gone. Restart Diorama"),
        (errno.EIO, "Check the disk"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(number: int, reason: str):
    with pytest.raises(StorageFailed) as caught, storage_errors(Path("/host/some/folder")):
        raise OSError(number, os.strerror(number))
    assert "some/folder" in str(caught.value) and reason in str(caught.value)
    assert "/host" not in str(caught.value)  # a visitor reads it, too


def test_a_picture_that_does_not_fit_fails_its_job_only(open_studio: OpenStudio, tmp_path: Path):
    model = FakeModel()
    model.paint = noise
    studio = open_studio(spec_of(model, sizes=(Size(1024, 512),)))
    with file_size_limit(1_000_000):
        job = finished(studio, ask(studio))
    assert job.state == "failed" and "the disk is full. Free some space" in job.error
    assert list((tmp_path / "outputs" / "images").iterdir()) == []
    assert finished(studio, ask(studio)).state == "done"


def test_a_job_ends_for_its_watchers_even_when_its_row_cannot_be_written(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    running, waiting = ask(studio), ask(studio)
    model.wait_until_entered()
    with file_size_limit(0):
        with pytest.raises(StorageFailed, match="has free space"):
            studio.cancel(OWNER, waiting.id)
        model.open_gate(4)
        over = finished(studio, running)
    assert over.state == "failed" and "the disk is full" in over.error
    assert studio.job(OWNER, waiting.id).state == "stopped"
    assert [job.state for job in studio.jobs(OWNER)] == ["stopped", "failed"]
    model.open_gate(4)
    assert finished(studio, ask(studio)).state == "done"


def test_a_folder_that_vanished_is_said(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio()
    shutil.rmtree(tmp_path / "outputs" / "images")
    assert "the folder is gone. Restart Diorama" in finished(studio, ask(studio)).error


def test_a_full_disk_is_said_and_space_helps(open_studio: OpenStudio, tmp_path: Path):
    model = FakeModel()
    model.paint = noise
    with small_disk(tmp_path / "disk") as disk:
        studio = open_studio(spec_of(model, sizes=(Size(256, 256),)), outputs=disk / "outputs")
        kept = finished(studio, ask(studio)).assets
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space"), filler.open("wb") as file:
            while True:
                file.write(bytes(4096))
        failed = _failed_job(studio)
        assert "is full" in failed or "has free space" in failed
        assert not list((disk / "outputs" / "images").glob(".*"))
        filler.unlink()
        assert finished(studio, ask(studio)).state == "done"
        assert set(kept) < {asset.id for asset in studio.gallery(OWNER).assets}
        studio.close()


def _failed_job(studio: Studio) -> str:
    """The sentence of a job on a full disk: the queue may refuse it, or the job fails."""
    try:
        return finished(studio, ask(studio)).error
    except StorageFailed as error:
        return str(error)


def test_a_read_only_disk_is_said_at_the_start(open_studio: OpenStudio, tmp_path: Path):
    with small_disk(tmp_path / "disk", "size=1m,ro") as disk:
        with pytest.raises(StorageFailed, match="read-only"):
            open_studio(outputs=disk / "outputs")
        with pytest.raises(StorageFailed, match="cannot be written to: the disk is read-only"):
            open_studio(outputs=disk)


def test_a_file_in_the_place_of_the_folder_is_said(open_studio: OpenStudio, tmp_path: Path):
    (tmp_path / "outputs").write_text("in the way")
    with pytest.raises(StorageFailed, match="cannot be made: there is a file in its place"):
        open_studio()


def test_a_second_diorama_in_the_same_folder_gets_a_clear_error(open_studio: OpenStudio, tmp_path: Path):
    open_studio()
    with pytest.raises(OutputsInUse, match="Another Diorama is working in"):
        open_studio()
    code = "import sys, pathlib; from studio.service import Studio; Studio([], pathlib.Path(sys.argv[1]))"
    other = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "outputs"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert other.returncode == 1 and "OutputsInUse" in other.stderr


def test_a_closed_studio_gives_the_folder_back(open_studio: OpenStudio):
    for _ in range(2):
        studio = open_studio()
        studio.close()
        studio.close()


@pytest.mark.parametrize("damage", ["header", "middle", "text", "empty"])
def test_a_damaged_index_is_kept_aside_and_made_again(
    open_studio: OpenStudio, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
):
    studio = open_studio()
    job = finished(studio, ask(studio, count=4))
    studio.star(OWNER, job.assets[1], True)
    before = studio.gallery(OWNER)
    studio.close()
    path = tmp_path / "outputs" / "diorama.sqlite"
    whole = path.read_bytes()
    spoilt = (
        {
            "header": b"\0" * 100 + whole[100:],
            "middle": whole[:5000] + b"\xff" * 20_000 + whole[25_000:],
            "text": b"<html>not found</html>" * 100,
            "empty": b"",
        }
    )[damage]
    path.write_bytes(spoilt)
    assert open_studio().gallery(OWNER) == before
    if damage != "empty":  # an empty file is a new database to SQLite
        assert "is damaged" in caplog.text
        (aside,) = path.parent.glob("diorama.sqlite.damaged-*")
        assert aside.read_bytes() == spoilt


def test_a_lost_write_ahead_log_loses_no_picture(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio()
    finished(studio, ask(studio, count=4))
    before = studio.gallery(OWNER)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "outputs", copy, ignore=shutil.ignore_patterns("*-wal", "*-shm", "lock.*"))
    assert open_studio(outputs=copy).gallery(OWNER) == before


def test_an_index_of_a_newer_version_is_not_touched(open_studio: OpenStudio, tmp_path: Path):
    open_studio().close()
    path = tmp_path / "outputs" / "diorama.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageFailed, match="A newer Diorama made"):
        open_studio()
    assert not list(path.parent.glob("*.damaged-*"))


def test_a_transaction_that_fails_changes_nothing(tmp_path: Path):
    database = Database(tmp_path / "test.sqlite")
    with pytest.raises(KeyError), database.transaction() as connection:
        connection.execute("INSERT INTO search (rowid, words) VALUES (1, 'x')")
        raise KeyError
    assert database.rows("SELECT * FROM search") == []
    database.close()
    with pytest.raises(StorageFailed, match="shutting down"):
        database.rows("SELECT 1")


def test_what_reached_a_transactions_end_is_on_the_disk_as_the_settings_say(tmp_path: Path):
    database = Database(tmp_path / "test.sqlite")
    settings = [database.rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert settings == ["wal", 2, 1]  # 2 is FULL
    with database.transaction(can_be_made_again=True) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 1  # NORMAL
    with pytest.raises(KeyError), database.transaction(can_be_made_again=True):
        raise KeyError
    assert database.rows("PRAGMA synchronous")[0][0] == 2
    database.close()


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("/proc/nothing", "The folder /proc/nothing cannot be made: No such file or directory. Use --outputs"),
        ("/proc", "The folder /proc cannot be written to: No such file or directory. Use --outputs"),
        ("/dev/null", "The folder /dev/null cannot be made: there is a file in its place. Use --outputs"),
        ("/dev/null/outputs", "The folder /dev/null/outputs cannot be made: there is a file in its place."),
    ],
)
def test_a_folder_that_cannot_be_used_is_said_with_the_reason(open_studio: OpenStudio, folder: str, said: str):
    with pytest.raises(StorageFailed) as caught:
        open_studio(outputs=Path(folder))
    assert str(caught.value).startswith(said)
