"""Pictures that come in: kept once, with the recipe they bring, and nothing of anybody else."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.contract import GenerateRequest, Size
from studio.errors import BadPicture, NotFound, StorageFailed
from studio.intake.picture import read_picture
from studio.library.uploads import MAX_PARENTS, title_of
from studio.png_chunks import MAX_TEXT_BYTES
from studio.recipe import png_text, read_png
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, ask, finished
from tests.studio.intake.settings.test_a1111 import A1111
from tests.studio.intake.settings.test_comfyui import CLASSIC, comfy
from tests.studio.library.test_disk import file_size_limit
from tests.studio.library.test_store import index, made
from tests.studio.pictures_in import corners, exif, saved
from tests.studio.recipe.test_recipe import RECIPE


def with_text(**texts: str) -> bytes:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_itxt(keyword, text)
    return saved(corners(), "PNG", pnginfo=info)


def test_an_upload_is_an_asset_like_any_other(studio: Studio):
    asset = studio.take_in(OWNER, saved(corners(), "JPEG"), "C:\\photos\\My  holiday.JPEG")
    assert studio.asset(OWNER, asset.id) == asset == studio.gallery(OWNER).assets[0]
    assert (asset.title, asset.width, asset.height, asset.kind) == ("My holiday", 48, 32, "image")
    assert (asset.model, asset.seed, asset.job_id, asset.parents) == ("", None, "", ())
    assert (asset.recipe.task, asset.recipe.source) == ("upload", "file")
    assert asset.name.endswith(f"_my-holiday_{asset.id[:4]}.png")
    with Image.open(studio.path(OWNER, asset.id)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (48, 32))
        assert set(image.info) == {"diorama"}  # nobody knows any parameters
    with Image.open(studio.thumbnail(OWNER, asset.id)) as image:
        assert image.format == "WEBP"


def test_what_shows_through_is_stored_and_shown(studio: Studio):
    image = corners()
    image.putalpha(90)
    asset = studio.take_in(OWNER, saved(image, "PNG"))
    assert asset.title == "Picture"
    thumbnail = studio.thumbnail(OWNER, asset.id)
    for remade in (False, True):
        if remade:
            thumbnail.unlink()
        for path in (studio.path(OWNER, asset.id), studio.thumbnail(OWNER, asset.id)):
            with Image.open(path) as stored:
                assert stored.mode == "RGBA" and stored.getpixel((3, 3))[3] == 90


def test_where_it_was_taken_is_not_kept(studio: Studio):
    file = saved(corners(), "JPEG", exif=exif(1, tags={0x8298: "secret"}), comment=b"secret", xmp=b"<x>secret</x>")
    assert b"secret" in file
    assert b"secret" not in studio.path(OWNER, studio.take_in(OWNER, file).id).read_bytes()


def test_a_file_on_the_disk_comes_in_too(studio: Studio, tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(saved(corners(), "WEBP"))
    asset = studio.take_in(OWNER, path, "fox.webp")
    assert asset.title == "fox" and path.exists()
    assert studio.take_in(OWNER, path.read_bytes()) == asset


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("fox.png", "fox"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\CON.txt", "CON"),
        ("a\0b\x07\u202e.jpg", "ab\u202e"),
        ("\ud800.png", "Picture"),
        (".png", "Picture"),
        ("", "Picture"),
        ("/", "Picture"),
        ("archive.tar.gz", "archive.tar"),
        ("x" * 5_000 + ".png", "x" * 200),
        ("two\nlines.png", "two lines"),
        (None, "Picture"),
    ],
)
def test_a_files_name_becomes_a_title(name: str, title: str):
    assert title_of(name) == title


def test_a_file_that_is_no_picture_leaves_nothing(studio: Studio, tmp_path: Path):
    with pytest.raises(BadPicture, match="looks like an SVG drawing"):
        studio.take_in(OWNER, b"<svg/>", "fox.png")
    assert studio.gallery(OWNER).assets == ()
    assert list((tmp_path / "outputs" / "images").iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(studio: Studio, tmp_path: Path):
    noise = saved(Image.effect_noise((400, 400), 90).convert("RGB"), "PNG")
    with file_size_limit(50_000), pytest.raises(StorageFailed, match="the disk is full"):
        studio.take_in(OWNER, noise)
    assert list((tmp_path / "outputs" / "images").iterdir()) == []
    assert studio.take_in(OWNER, noise) == studio.gallery(OWNER).assets[0]


def test_the_pulse_beats_for_an_upload(studio: Studio):
    before, other = studio.pulse(OWNER), studio.pulse("another")
    studio.take_in(OWNER, saved(corners(), "PNG"))
    assert studio.pulse(OWNER) > before and studio.pulse("another") == other


# --- once -------------------------------------------------------------------------------------------------------------


def test_the_same_file_is_kept_once(studio: Studio):
    file = saved(corners(), "PNG")
    asset = studio.take_in(OWNER, file, "one.png")
    assert studio.take_in(OWNER, file, "two.png") == asset
    studio.delete(OWNER, [asset.id])
    assert studio.take_in(OWNER, file) == asset  # out of the trash
    assert len(studio.gallery(OWNER).assets) == 1
    assert studio.take_in("another", file).id != asset.id


def test_the_same_file_many_times_at_once_is_kept_once(studio: Studio):
    file = saved(corners(), "PNG")
    threads = [threading.Thread(target=studio.take_in, args=(OWNER, file)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(studio.gallery(OWNER).assets) == 1


def test_the_same_file_is_known_after_a_rebuild(studio: Studio, tmp_path: Path):
    file = saved(corners(), "PNG")
    asset = studio.take_in(OWNER, file)
    before = index(tmp_path / "outputs")
    studio.rebuild()
    assert index(tmp_path / "outputs") == before
    assert studio.take_in(OWNER, file) == asset


def test_a_file_that_somebody_removed_comes_in_again(studio: Studio):
    file = saved(corners(), "PNG")
    studio.path(OWNER, studio.take_in(OWNER, file).id).unlink()
    assert studio.path(OWNER, studio.take_in(OWNER, file).id).is_file()


def test_an_own_picture_that_comes_back_is_the_one_that_is_there(studio: Studio):
    first, second = made(studio, count=2)
    upload = studio.take_in(OWNER, saved(corners(), "PNG"))
    for asset in (first, second, upload):
        file = studio.path(OWNER, asset.id).read_bytes()
        studio.delete(OWNER, [asset.id])
        assert studio.take_in(OWNER, file) == asset
    assert len(studio.gallery(OWNER).assets) == 3


def test_an_own_picture_that_was_painted_over_is_another(studio: Studio):
    (asset,) = made(studio, seed=5)
    with Image.open(studio.path(OWNER, asset.id)) as image:
        info = PngInfo()
        info.add_itxt("diorama", image.info["diorama"])
        changed = image.copy()
    changed.putpixel((0, 0), (1, 2, 3))
    other = studio.take_in(OWNER, saved(changed, "PNG", pnginfo=info))
    assert other.id != asset.id and other.seed == 5
    assert studio.count(OWNER) == 2


def test_a_spoilt_own_picture_is_replaced_by_the_whole_one(studio: Studio):
    (asset,) = made(studio)
    path = studio.path(OWNER, asset.id)
    file = path.read_bytes()
    path.write_bytes(b"spoilt")
    again = studio.take_in(OWNER, file)
    assert studio.path(OWNER, again.id).is_file() and again.id != asset.id


# --- recipes ----------------------------------------------------------------------------------------------------------


def test_a_picture_of_another_diorama_brings_its_recipe(studio: Studio):
    file = saved(Image.new("RGB", (8, 6)), "PNG", pnginfo=png_text(replace(RECIPE, owner="somebody")))
    asset = studio.take_in(OWNER, file, "x.png")
    assert asset.id != RECIPE.id and asset.owner == OWNER and asset.title == "a red ball"
    assert asdict(asset.recipe) | {"sha256": "", "created": 0} == asdict(RECIPE) | {
        "id": asset.id,
        "job_id": "",
        "index": 0,
        "task": "upload",
        "source": "Diorama",
        "created": 0,
        "sha256": "",
    }
    assert studio.relatives(OWNER, asset.id).parents == ()


def test_another_owners_picture_comes_in_as_ones_own(studio: Studio):
    (theirs,) = made(studio, owner="them", seed=5)
    mine = studio.take_in(OWNER, studio.path("them", theirs.id).read_bytes())
    assert mine.id != theirs.id and mine.seed == 5 and mine.job_id == ""
    assert studio.job("them", theirs.job_id).assets == (theirs.id,)
    with pytest.raises(NotFound):
        studio.asset(OWNER, theirs.id)
    assert studio.settings_of(OWNER, mine.id) == studio.settings_of("them", theirs.id)


@pytest.mark.parametrize(
    ("texts", "source", "prompt"),
    [
        ({"parameters": A1111}, "A1111", "portrait of an old sailor"),
        ({"prompt": comfy(**CLASSIC)}, "ComfyUI", "a purple galaxy in a bottle"),
        ({"invokeai_metadata": '{"positive_prompt": "a lighthouse", "seed": 3}'}, "InvokeAI", "a lighthouse"),
        ({"parameters": "a ball\nSteps: 4, Seed: 1, Version: Diorama 0.1.0"}, "Diorama", "a ball"),
        ({"diorama": "{}", "parameters": A1111}, "A1111", "portrait of an old sailor"),
    ],
)
def test_a_picture_of_another_tool_brings_what_it_says(studio: Studio, texts: dict[str, str], source: str, prompt: str):
    asset = studio.take_in(OWNER, with_text(**texts), "x.png")
    assert asset.recipe.source == source and asset.title.startswith(prompt)
    assert [found.id for found in studio.gallery(OWNER, query=prompt).assets] == [asset.id]
    found = read_png(studio.path(OWNER, asset.id))
    assert found is not None and found.recipe.prompt == asset.recipe.prompt


def test_a_seed_of_64_bits_survives(studio: Studio):
    graph = CLASSIC | {"n3": CLASSIC["n3"] | {"inputs": CLASSIC["n3"]["inputs"] | {"seed": 2**64 - 1}}}
    asset = studio.take_in(OWNER, with_text(prompt=comfy(**graph)))
    studio.rebuild()
    assert studio.asset(OWNER, asset.id) == asset and asset.seed == 2**64 - 1
    settings = studio.settings_of(OWNER, asset.id)
    assert settings.request is not None and settings.request.seed is None
    assert any(f"The seed {2**64 - 1} is larger than" in note for note in settings.notes)


def test_settings_that_came_in_are_taken_as_they_are(studio: Studio):
    asset = studio.take_in(OWNER, with_text(parameters=A1111))
    settings = studio.settings_of(OWNER, asset.id)
    assert settings.request == GenerateRequest(
        prompt='portrait of an old sailor, (weathered:1.2) skin, "the sea", 35mm',
        model="fake",
        size=Size(64, 64),
        count=1,
        seed=1234567890,
        steps=28,
        guidance=6.5,
        negative_prompt="blurry, lowres, extra: fingers",
    )
    assert finished(studio, studio.generate(OWNER, settings.request)).state == "done"


def test_a_picture_without_a_recipe_has_no_settings(studio: Studio):
    asset = studio.take_in(OWNER, saved(corners(), "PNG"))
    settings = studio.settings_of(OWNER, asset.id)
    assert settings.request is None and settings.notes == ("This picture does not say how it was made.",)


def test_settings_without_a_prompt_are_carried_over_and_it_is_said(studio: Studio):
    text = "Negative prompt: blurry\nSteps: 23, CFG scale: 6.5, Seed: 424242, Size: 64x64, Model: meadow_v2"
    asset = studio.take_in(OWNER, with_text(parameters=text), "boat.png")
    assert (asset.title, asset.recipe.model, asset.recipe.negative_prompt) == ("boat", "meadow_v2", "blurry")
    settings = studio.settings_of(OWNER, asset.id)
    assert settings.request is not None and settings.notes[0] == "The file has no prompt: write one."
    assert (settings.request.prompt, settings.request.seed, settings.request.steps) == ("", 424242, 23)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"made": "prompt=a boat; seed=5; steps=9"}, "settings of another tool, which Diorama cannot read"),
        (
            {"prompt": '{"1": {"class_type": "LoadImage", "inputs": {}}}'},
            "none that can be used here: a ComfyUI graph",
        ),
    ],
    ids=["unknown", "no sampler"],
)
def test_settings_that_cannot_be_read_are_said_to_be_there(studio: Studio, texts: dict[str, str], said: str):
    settings = studio.settings_of(OWNER, studio.take_in(OWNER, with_text(**texts)).id)
    assert settings.request is None and len(settings.notes) == 1 and said in settings.notes[0]


def test_own_settings_make_the_same_picture(studio: Studio):
    job = finished(studio, ask(studio, count=3, seed=10, style="sketch", steps=5))
    third = studio.asset(OWNER, job.assets[2])
    settings = studio.settings_of(OWNER, third.id)
    assert settings.notes == () and settings.request is not None
    assert (settings.request.seed, settings.request.count, settings.request.style) == (12, 1, "sketch")
    (again,) = finished(studio, studio.generate(OWNER, settings.request)).assets
    assert studio.asset(OWNER, again).recipe.prompt_sent == third.recipe.prompt_sent
    pictures = [read_picture(studio.path(OWNER, id)).image.tobytes() for id in (third.id, again)]
    assert pictures[0] == pictures[1]


def test_another_owners_settings_are_not_found(studio: Studio):
    (asset,) = made(studio)
    with pytest.raises(NotFound):
        studio.settings_of("another", asset.id)


@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, prompt="x" * 900_000, title="y" * 50_000),
        replace(RECIPE, prompt='"\\' * 100_000, prompt_sent="\x01" * 100_000, title="<script>alert(1)</script>"),
        replace(RECIPE, parents=tuple(f"{number:032x}" for number in range(20_000))),
        replace(RECIPE, created=1e300, seconds=-1e300, guidance=1e300, steps=2**31, index=7),
        replace(RECIPE, created=-1e300, kind="splat", task="../../x", model="sk-1234567890", owner="x" * 100_000),
    ],
)
def test_a_hostile_recipe_comes_in_bounded(studio: Studio, tmp_path: Path, recipe: object):
    text = json.dumps(asdict(recipe))  # pyright: ignore[reportArgumentType]
    asset = studio.take_in(OWNER, with_text(diorama=text))
    assert asset.owner == OWNER and asset.kind == "image" and len(asset.parents) <= MAX_PARENTS
    assert len(json.dumps(asdict(asset.recipe))) < MAX_TEXT_BYTES / 2
    before = index(tmp_path / "outputs")
    studio.rebuild()
    assert index(tmp_path / "outputs") == before
    settings = studio.settings_of(OWNER, asset.id)
    if settings.request is not None:
        studio.generate(OWNER, settings.request)
    assert json.loads(json.dumps(settings.notes)) == list(settings.notes)


# --- older folders ----------------------------------------------------------------------------------------------------


def test_a_recipe_of_the_first_version_is_still_read(tmp_path: Path):
    values = {name: value for name, value in asdict(RECIPE).items() if name not in ("source", "left_out", "sha256")}
    path = tmp_path / "old.png"
    path.write_bytes(with_text(diorama=json.dumps(values)))
    found = read_png(path)
    assert found is not None and found.recipe == RECIPE


FORMER = {
    1: "DROP TRIGGER collected_delete; DROP TABLE collected; DROP TRIGGER embeddings_delete; DROP TABLE embeddings;"
    "DROP TRIGGER lineage_delete; DROP TABLE lineage; DROP INDEX newest_of_category; DROP INDEX uploads;"
    "ALTER TABLE assets DROP COLUMN category; ALTER TABLE assets DROP COLUMN sha256;"
    "ALTER TABLE assets DROP COLUMN description;",
    3: "DROP TRIGGER collected_delete; DROP TABLE collected; DROP TRIGGER embeddings_delete; DROP TABLE embeddings;"
    "DROP INDEX newest_of_category;"
    "ALTER TABLE assets RENAME COLUMN category TO shelf;"
    "CREATE INDEX newest_of_shelf ON assets (owner, deleted, shelf, created, id);",
}
"""What makes an index of today one of a former version."""


@pytest.mark.parametrize("version", FORMER)
def test_an_index_of_a_former_version_is_brought_up_to_date(open_studio: OpenStudio, tmp_path: Path, version: int):
    studio = open_studio()
    made(studio, count=2)
    before, page = index(tmp_path / "outputs"), studio.gallery(OWNER)
    studio.close()
    path = tmp_path / "outputs" / "diorama.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(f"{FORMER[version]} PRAGMA user_version = {version};")
    connection.close()
    studio = open_studio()
    assert studio.gallery(OWNER) == page == studio.gallery(OWNER, kind="image")
    assert index(tmp_path / "outputs") == before
