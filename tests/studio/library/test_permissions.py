"""An outputs folder is its owner's alone, and what lies outside of it is not read through it."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import LinkNotFollowed, StorageFailed, StudioError
from studio.service import Studio
from studio.splats.formats.ply import write_ply
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER
from tests.studio.turning_fake import ball


def png(colour: str = "navy") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(file, "PNG")
    return file.getvalue()


def furnish(studio: Studio) -> str:
    """A picture, a splat, a star and something in the trash; the id of the picture."""
    picture, gone = (studio.take_in(OWNER, png(colour), f"{colour}.png").id for colour in ("navy", "teal"))
    studio.splats.take_in(OWNER, write_ply(ball(50)), "ball.ply")
    studio.star(OWNER, picture, True)
    studio.delete(OWNER, [gone])
    return picture


def modes(folder: Path) -> set[tuple[bool, int]]:
    """(whether it is a folder, its mode) of all that is there."""
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in (folder, *folder.rglob("*"))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The one of `open_studio`."""
    return tmp_path / "outputs"


PRIVATE = {(True, 0o700), (False, 0o600)}


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_whatever_the_umask_nobody_else_reads_what_is_kept(open_studio: OpenStudio, folder: Path, umask: int):
    with_everything = open_studio()
    furnish(with_everything)
    assert (folder / "diorama.sqlite-wal").exists()
    assert modes(folder) == PRIVATE
    with_everything.close()
    (folder / "diorama.sqlite").write_bytes(b"damaged" * 1000)
    open_studio()
    assert modes(folder) == PRIVATE


def test_a_folder_from_before_is_closed_and_what_a_person_put_there_is_left_alone(
    open_studio: OpenStudio, folder: Path
):
    studio = open_studio()
    furnish(studio)
    studio.close()
    theirs = folder / "notes of mine.txt"
    theirs.write_text("for everybody")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    open_studio()
    assert theirs.stat().st_mode & 0o777 == 0o644
    theirs.unlink()
    assert modes(folder) == PRIVATE


def test_a_folder_for_everybody_is_used_and_its_modes_are_left_as_they_are(
    open_studio: OpenStudio, folder: Path, caplog: pytest.LogCaptureFixture
):
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)
    furnish(open_studio())
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert {mode for is_dir, mode in modes(folder) if not is_dir} == {0o600}
    assert sum("may be able to read" in record.message for record in caplog.records) == 1


# --- links ------------------------------------------------------------------------------------------------------------

SECRET = b"-----BEGIN PRIVATE KEY-----"


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of this machine that are nobody's pictures."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "key").write_bytes(SECRET)
    return folder


def zipped(studio: Studio, id: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(b"".join(studio.bundle(OWNER, [id])))) as archive:
        return archive.read(archive.namelist()[0])


READERS: dict[str, Callable[[Studio, str], object]] = {
    "path": lambda studio, id: studio.path(OWNER, id),
    "thumbnail": lambda studio, id: studio.thumbnail(OWNER, id),
    "zip": zipped,
    "mask": lambda studio, id: studio.selections.mask_png(OWNER, id),
    "cut-out": lambda studio, id: studio.selections.cut_out(OWNER, id),
    "crop": lambda studio, id: studio.solids.crop_png(OWNER, id),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_in_the_place_of_a_picture_is_not_followed(
    open_studio: OpenStudio, outside: Path, read: Callable[[Studio, str], object], what: str
):
    studio = open_studio()
    picture = furnish(studio)
    path = studio.path(OWNER, picture)
    if what == "file":
        path.unlink()
        path.symlink_to(outside / "key")
    else:
        (outside / path.name).write_bytes(png("red"))
        shutil.rmtree(path.parent)
        path.parent.symlink_to(outside)
    with pytest.raises(LinkNotFollowed, match="links are not followed"):
        read(studio, picture)


def test_a_thumbnail_that_is_a_link_is_made_again(open_studio: OpenStudio, outside: Path):
    studio = open_studio()
    picture = furnish(studio)
    thumbnail = studio.thumbnail(OWNER, picture)
    Image.new("RGB", (9, 9), "red").save(outside / "theirs.webp")
    thumbnail.unlink()
    thumbnail.symlink_to(outside / "theirs.webp")
    with Image.open(studio.thumbnail(OWNER, picture)) as image:
        assert image.size == (32, 24)
    assert not thumbnail.is_symlink()


def test_the_index_made_anew_leaves_links_out(open_studio: OpenStudio, outside: Path):
    studio = open_studio()
    picture = furnish(studio)
    path = studio.path(OWNER, picture)
    shutil.copy(path, outside / "copy.png")
    path.unlink()
    path.symlink_to(outside / "copy.png")
    studio.rebuild()
    assert picture not in {one.id for one in studio.gallery(OWNER).assets}


@pytest.mark.parametrize("name", ["images", "splats", "trash", "thumbs"])
def test_a_folder_that_became_a_link_while_running_takes_and_gives_nothing(
    open_studio: OpenStudio, folder: Path, outside: Path, name: str
):
    studio = open_studio()
    picture = furnish(studio)
    shutil.rmtree(folder / name)
    (folder / name).symlink_to(outside)
    before = sorted(outside.iterdir())
    for use in (
        lambda: studio.take_in(OWNER, png("gold"), "gold.png"),
        lambda: studio.splats.take_in(OWNER, write_ply(ball(60)), "ball.ply"),
        lambda: studio.delete(OWNER, [picture]),
        lambda: studio.thumbnail(OWNER, picture),
        studio.rebuild,
    ):
        try:
            use()
        except StudioError as error:
            assert "links are not followed" in str(error)
    assert sorted(outside.iterdir()) == before


@pytest.mark.parametrize("name", ["images", "trash", "thumbs", "diorama.sqlite", "notes.jsonl", "lock.sqlite"])
def test_a_start_on_a_link_is_refused_in_a_sentence(open_studio: OpenStudio, folder: Path, outside: Path, name: str):
    studio = open_studio()
    furnish(studio)
    studio.close()
    (folder / name).rename(outside / name)
    (folder / name).symlink_to(outside / name)
    with pytest.raises(StorageFailed, match=f"{name} is a link, and links are not followed"):
        open_studio()


def test_the_key_of_links_is_the_same_after_a_restart_and_another_one_elsewhere(
    open_studio: OpenStudio, folder: Path, tmp_path: Path
):
    studio = open_studio()
    key = studio.signing_key
    studio.close()
    assert len(key) == 32
    assert open_studio().signing_key == key
    other = Studio([], tmp_path / "elsewhere")
    assert other.signing_key != key
    other.close()
