"""Pictures on the disk: the files are the truth, the index can be made again."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from studio.contract import Size
from studio.errors import NotFound
from studio.library.database import Database
from studio.library.files import SLUG_LENGTH, TEMPORARY, file_names, slug
from studio.library.search import GalleryPage
from studio.library.store import Asset, Store
from studio.recipe import png_text, to_text
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, spec_of
from tests.studio.recipe.test_recipe import RECIPE


def made(studio: Studio, prompt: str = "a red ball", **values: Any) -> list[Asset]:
    job = finished(studio, ask(studio, prompt, **values))
    return [studio.asset(job.owner, id) for id in job.assets]


def index(folder: Path) -> list[tuple[object, ...]]:
    """All that the index says, without the numbers SQLite gives to rows."""
    with sqlite3.connect(folder / "diorama.sqlite") as connection:
        cursor = connection.execute("SELECT * FROM assets ORDER BY id")
        names = [column[0] for column in cursor.description]
        rows = [tuple(value for name, value in zip(names, row, strict=True) if name != "number") for row in cursor]
        rows += connection.execute("SELECT child, parent FROM lineage ORDER BY child, parent").fetchall()
    connection.close()
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


def test_a_picture_is_saved_as_it_was_painted_with_its_recipe(studio: Studio):
    (asset,) = made(studio, seed=7)
    with Image.open(studio.path(OWNER, asset.id)) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 64))
        assert image.getpixel((0, 0)) == (7, 0, 77)
        said = json.loads(image.info["diorama"])
    assert said == json.loads(to_text(asset.recipe))
    assert said | {"id": "", "created": 0, "seconds": 0, "job_id": "", "app": ""} == {
        "id": "",
        "kind": "image",
        "owner": OWNER,
        "job_id": "",
        "index": 0,
        "task": "generate",
        "model": "fake",
        "revision": "r1",
        "prompt": "a red ball",
        "prompt_sent": "a red ball",
        "style": "",
        "negative_prompt": "",
        "width": 64,
        "height": 64,
        "steps": 3,
        "guidance": 4.0,
        "clip_skip": None,
        "seed": 7,
        "parents": [],
        "created": 0,
        "seconds": 0,
        "title": "a red ball",
        "app": "",
        "source": "",
        "left_out": "",
        "sha256": "",
        "quality": "",
        "transparent": False,
        "price_usd": None,
        "notice": "",
    }


def test_an_asset_says_what_its_recipe_says(studio: Studio):
    (asset,) = made(studio, seed=7)
    assert (asset.title, asset.model, asset.seed, asset.index) == ("a red ball", "fake", 7, 0)
    assert (asset.width, asset.height, asset.starred, asset.deleted) == (64, 64, False, False)
    assert (asset.id, asset.created, asset.job_id) == (asset.recipe.id, asset.recipe.created, asset.recipe.job_id)


def test_the_name_has_the_time_the_prompt_and_a_short_id(studio: Studio):
    (asset,) = made(studio)
    assert re.fullmatch(rf"\d{{8}}-\d{{6}}_a-red-ball_{asset.id[:4]}\.png", asset.name)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("A red Ball!", "a-red-ball"),
        ("../../etc/passwd", "etc-passwd"),
        ("..\\..\\CON.txt::$DATA", "con-txt-data"),
        ("C:\\x\x00.png", "c-x-png"),
        ("Ein Fuchs über dem Café", "ein-fuchs-uber-dem-cafe"),
        ("狐", "picture"),
        ("🎈🎈", "picture"),
        ("", "picture"),
        ("---", "picture"),
        ("x" * 500, "x" * SLUG_LENGTH),
        ("word " * 50, "word-word-word-word-word-word-word-word"),
    ],
)
def test_a_prompt_becomes_a_harmless_slug(title: str, expected: str):
    assert slug(title) == expected


@given(st.text(st.characters(codec=None)))
def test_no_text_escapes_the_slug(title: str):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(title)) and len(slug(title)) <= SLUG_LENGTH


def test_a_taken_name_gets_more_digits_of_the_id():
    names = list(file_names(0.0, "x", "0123456789abcdef" * 2, ".png"))
    assert [len(name.rpartition("_")[2]) for name in names] == [4 + 4, 8 + 4, 32 + 4]


def test_no_picture_overwrites_another(tmp_path: Path):
    database = Database(tmp_path / "test.sqlite")
    store = Store(tmp_path, database)
    ids = ["abcd" + "0" * 28, "abcd" + "1" * 28, "abcd0" + "1" * 27]
    twins = [store.save(Image.new("RGB", (8, 6)), replace(RECIPE, id=id, job_id="")) for id in ids]
    store.delete("local", ids[:1])  # a name in the trash is taken too: the picture may come back
    twins.append(store.save(Image.new("RGB", (8, 6)), replace(RECIPE, id="abcd" + "2" * 28, job_id="")))
    endings = [asset.name.rpartition("_")[2] for asset in twins]
    assert endings == ["abcd.png", "abcd1111.png", "abcd0111.png", "abcd2222.png"]
    database.close()


def test_a_second_result_for_one_place_in_a_job_is_refused_and_leaves_no_file(tmp_path: Path):
    database = Database(tmp_path / "test.sqlite")
    store = Store(tmp_path, database)
    first = store.save(Image.new("RGB", (8, 6)), RECIPE)
    with pytest.raises(sqlite3.IntegrityError):
        store.save(Image.new("RGB", (8, 6)), replace(RECIPE, id="b" * 32))
    assert [path.name for path in (tmp_path / "images").iterdir()] == [first.name]
    database.close()


def test_a_thumbnail_is_small_and_made_again_when_it_is_missing(open_studio: OpenStudio):
    studio = open_studio(spec_of(FakeModel(), sizes=(Size(640, 320),)))
    (asset,) = made(studio)
    path = studio.thumbnail(OWNER, asset.id)
    cut, zeros = path.read_bytes()[:-9], bytes(path.stat().st_size)
    spoilt = [partial(path.write_bytes, left) for left in (b"", cut, zeros)]
    for spoil in (lambda: None, path.unlink, *spoilt):
        spoil()
        with Image.open(studio.thumbnail(OWNER, asset.id)) as image:
            image.load()
            assert (image.format, image.size) == ("WEBP", (256, 128))


def test_a_spoilt_picture_does_not_spoil_the_page(open_studio: OpenStudio):
    studio = open_studio()
    (asset,) = made(studio)
    studio.thumbnail(OWNER, asset.id).unlink()
    studio.path(OWNER, asset.id).write_bytes(b"no picture")
    assert studio.thumbnail(OWNER, asset.id) == studio.path(OWNER, asset.id)


def test_pictures_saved_at_once_all_arrive(open_studio: OpenStudio, folder: Path):
    studio = open_studio(spec_of(FakeModel(steps=1), lane="cloud"))
    jobs = [ask(studio, count=4) for _ in range(8)]
    ids = {id for job in jobs for id in finished(studio, job).assets}
    assert len(ids) == len(list((folder / "images").iterdir())) == len(index(folder)) == 32


# --- the trash --------------------------------------------------------------------------------------------------------


def test_deleting_moves_to_the_trash_and_restoring_brings_back(studio: Studio, folder: Path):
    kept, gone = made(studio, count=2)
    studio.delete(OWNER, [gone.id])
    assert [asset.id for asset in studio.gallery(OWNER).assets] == [kept.id]
    assert studio.asset(OWNER, gone.id).deleted
    assert studio.path(OWNER, gone.id) == folder / "trash" / gone.name
    assert studio.job(OWNER, gone.job_id).assets == (kept.id,)
    studio.restore(OWNER, [gone.id])
    assert studio.asset(OWNER, gone.id) == gone
    assert studio.path(OWNER, gone.id) == folder / "images" / gone.name
    assert len(studio.gallery(OWNER).assets) == 2


def test_deleting_twice_is_no_error(studio: Studio):
    (asset,) = made(studio)
    for _ in range(2):
        studio.delete(OWNER, [asset.id])
    for _ in range(2):
        studio.restore(OWNER, [asset.id])
    assert studio.asset(OWNER, asset.id) == asset


def test_deleting_and_restoring_at_once_leave_row_and_file_agreeing(studio: Studio):
    (asset,) = made(studio)
    clicks = [threading.Thread(target=change, args=(OWNER, [asset.id])) for change in (studio.delete, studio.restore)]
    with studio._store._changing:  # both clicks have arrived before either is done
        for click in clicks:
            click.start()
            click.join(0.2)
    for click in clicks:
        click.join()
    assert studio.path(OWNER, asset.id).is_file()


def test_one_unknown_id_and_nothing_is_deleted(studio: Studio):
    (asset,) = made(studio)
    with pytest.raises(NotFound):
        studio.delete(OWNER, [asset.id, "0" * 32])
    assert not studio.asset(OWNER, asset.id).deleted


@pytest.mark.parametrize("id", ["", "0" * 32, "' OR 1=1 --", "../../etc/passwd", "\ud800", "A" * 32, None, 5])
def test_an_id_that_does_not_exist_is_not_found(studio: Studio, id: str):
    for use in (studio.asset, studio.path, studio.thumbnail, lambda owner, id: studio.star(owner, id, True)):
        with pytest.raises(NotFound, match="There is no picture"):
            use(OWNER, id)


def test_nobody_sees_or_touches_another_owners_pictures(studio: Studio):
    (asset,) = made(studio)
    uses = [
        studio.asset,
        studio.path,
        studio.thumbnail,
        lambda owner, id: studio.star(owner, id, True),
        lambda owner, id: studio.delete(owner, [id]),
        lambda owner, id: studio.restore(owner, [id]),
    ]
    for use in uses:
        with pytest.raises(NotFound):
            use("another", asset.id)
    assert studio.gallery("another") == GalleryPage((), "")
    assert studio.gallery("another", query="red").assets == ()
    assert studio.asset(OWNER, asset.id) == asset


# --- the index against the files --------------------------------------------------------------------------------------


def lively(studio: Studio) -> None:
    """A folder in which everything happened once."""
    first, second, third, *_ = made(studio, "a red ball", count=4)
    made(studio, 'the "blue" cone, 狐', owner="another")
    studio.star(OWNER, first.id, True)
    studio.star(OWNER, second.id, True)
    studio.star(OWNER, second.id, False)
    studio.star(OWNER, third.id, True)
    studio.delete(OWNER, [third.id])


def test_rebuilding_gives_the_same_index(studio: Studio, folder: Path):
    lively(studio)
    before, page = index(folder), studio.gallery(OWNER, query="red")
    studio.rebuild()
    assert index(folder) == before
    assert studio.gallery(OWNER, query="red") == page


def test_a_lost_index_is_made_again_at_the_next_start(open_studio: OpenStudio, folder: Path):
    studio = open_studio()
    lively(studio)
    before = index(folder)
    studio.close()
    for path in folder.glob("diorama.sqlite*"):
        path.unlink()
    open_studio()
    assert index(folder) == before


def test_the_next_start_agrees_with_what_happened_to_the_files(open_studio: OpenStudio, folder: Path):
    studio = open_studio()
    removed, trashed, renamed, untouched = made(studio, count=4)
    studio.close()
    (folder / "images" / removed.name).unlink()
    (folder / "images" / trashed.name).rename(folder / "trash" / trashed.name)
    (folder / "images" / renamed.name).rename(folder / "images" / "holiday.png")
    studio = open_studio()
    assert {asset.id for asset in studio.gallery(OWNER).assets} == {renamed.id, untouched.id}
    assert studio.asset(OWNER, trashed.id).deleted
    assert studio.asset(OWNER, renamed.id).name == "holiday.png"
    with pytest.raises(NotFound):
        studio.asset(OWNER, removed.id)


def test_copies_and_strangers_are_left_alone(open_studio: OpenStudio, folder: Path, tmp_path: Path):
    studio = open_studio()
    (asset,) = made(studio)
    before = index(folder)
    studio.close()
    (folder / "images" / "copy.png").write_bytes((folder / "images" / asset.name).read_bytes())
    (folder / "images" / "text.png").write_text("no picture")
    (folder / "images" / "a folder.png").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "images" / "stranger.png")
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 6)).save(secret, pnginfo=png_text(RECIPE))
    (folder / "images" / "link.png").symlink_to(secret)
    open_studio()
    assert index(folder) == before
    assert len(list((folder / "images").iterdir())) == 6


def test_what_a_crash_left_half_written_is_removed(open_studio: OpenStudio, folder: Path):
    open_studio().close()
    leftovers = [folder / part / f"{TEMPORARY}0123" for part in ("images", "trash", "thumbs")]
    for path in leftovers:
        path.write_bytes(b"half")
    open_studio()
    assert not any(path.exists() for path in leftovers)


def test_a_torn_line_in_the_journal_spoils_only_itself(open_studio: OpenStudio, folder: Path):
    studio = open_studio()
    first, second = made(studio, count=2)
    studio.star(OWNER, first.id, True)
    with (folder / "notes.jsonl").open("a") as notes:
        notes.write('null\n{"asset": 5, "starred": true}\n{"asset": "x"}\n\xff\n{"asset": "' + second.id)
    studio.star(OWNER, second.id, True)
    studio.rebuild()
    assert [asset.starred for asset in studio.gallery(OWNER).assets] == [True, True]


def test_a_star_that_reached_only_the_journal_counts(open_studio: OpenStudio, folder: Path):
    studio = open_studio()
    first, second = made(studio, count=2)
    studio.star(OWNER, second.id, True)
    studio.close()
    with (folder / "notes.jsonl").open("a") as notes:
        notes.write(json.dumps({"asset": first.id, "starred": True}) + "\n")
        notes.write(json.dumps({"asset": second.id, "starred": False, "mood": "new"}) + "\n")
    studio = open_studio()
    assert studio.asset(OWNER, first.id).starred and not studio.asset(OWNER, second.id).starred


def test_stars_set_at_once_all_count(studio: Studio):
    assets = made(studio, count=8)
    threads = [threading.Thread(target=studio.star, args=(OWNER, asset.id, True)) for asset in assets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    studio.rebuild()
    assert len(studio.gallery(OWNER, starred=True).assets) == 8


def test_a_description_that_comes_while_somebody_renames_the_picture_keeps_its_new_name(
    open_studio: OpenStudio, monkeypatch: pytest.MonkeyPatch
):
    studio = open_studio()
    (asset,) = made(studio)
    plainly = studio._database.patiently

    def rename_first(action: Callable[[], Any]) -> Any:
        """Another thread is a moment faster."""
        monkeypatch.undo()
        studio.rename(OWNER, asset.id, "my ball")
        return plainly(action)

    monkeypatch.setattr(studio._database, "patiently", rename_first)
    monkeypatch.setattr(studio._database, "rows", studio._database._rows)  # which are read patiently, too
    studio._store.describe(OWNER, asset.id, "A ball.")
    now = studio.asset(OWNER, asset.id)
    assert (now.title, now.description) == ("my ball", "A ball.")
