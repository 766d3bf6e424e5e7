"""The pictures as files over HTTP, without a browser; who gets them is in `test_owners`."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from PIL import Image

from studio.contract import GenerateRequest
from studio.scheduling.contract import Done
from studio.service import Studio
from studio.splats.formats.ply import write_ply
from tests.patience import PATIENCE_SECONDS
from tests.studio.fakes import spec_of
from tests.studio.library.test_film import Searching
from tests.studio.turning_fake import ball
from tests.ui.painter import Brush, catalog
from tests.ui.serve import everybody_by_token, served
from ui.routes.files import film_address, picture_address, thumb_address
from ui.shared.solid_facts import splat_address

ADA, GRACE = {"X-Diorama-Token": "ada"}, {"X-Diorama-Token": "grace"}


def fetch(address: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(address + path, headers=ADA | headers)


@pytest.fixture
def asset_id(studio: Studio) -> str:
    *_, last = studio.events("ada", studio.generate("ada", GenerateRequest("a red ball")).id)
    assert isinstance(last, Done)
    return last.assets[0]


def test_a_picture_and_its_thumbnail_can_be_fetched_and_kept(address: str, asset_id: str):
    for path, kind in ((picture_address(asset_id), "png"), (thumb_address(asset_id), "webp")):
        answer = fetch(address, path)
        assert answer.headers["content-type"] == f"image/{kind}"
        assert answer.headers["cache-control"] == "private, no-cache"
        again = fetch(address, path, **{"If-None-Match": f'"other", W/{answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.size == (128, 128)


def test_a_download_comes_under_its_own_name(address: str, studio: Studio, asset_id: str):
    answer = fetch(address, picture_address(asset_id) + "?download=1")
    assert studio.asset("ada", asset_id).name in answer.headers["content-disposition"]


def test_a_thumbnail_that_cannot_be_made_is_the_picture_itself_for_now(address: str, studio: Studio, asset_id: str):
    thumbnail = studio.thumbnail("ada", asset_id)
    studio.path("ada", asset_id).write_bytes(b"damaged")
    thumbnail.unlink()
    answer = fetch(address, thumb_address(asset_id))
    assert (answer.content, answer.headers["content-type"]) == (b"damaged", "image/png")


def test_a_disk_that_cannot_be_read_is_said_in_a_sentence(tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    with served(studio, everybody_by_token) as address:
        studio.close()
        answer = fetch(address, picture_address("0" * 32))
    assert answer.status_code == 503
    assert answer.json()["error"] == "Diorama is shutting down and takes nothing new. Start it again."


def test_a_film_is_its_owners(tmp_path: Path):
    studio = Studio([spec_of(Searching(), "searching"), *catalog(Brush())], tmp_path)
    with served(studio, everybody_by_token) as address:
        *_, last = studio.events("ada", studio.generate("ada", GenerateRequest("a ball", model="searching")).id)
        assert isinstance(last, Done)
        film = film_address(last.assets[0])
        answer = fetch(address, film)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
        assert ".mp4" in answer.headers["content-disposition"] and answer.content[4:8] == b"ftyp"
        assert httpx.get(address + film, headers=GRACE).status_code == 404
        assert fetch(address, film_address("0" * 32)).status_code == 404
        studio.close()


def test_a_turntable_video_is_made_once_for_a_browser_that_keeps_it(address: str, studio: Studio):
    splat = studio.splats.take_in("ada", write_ply(ball(50)), "ball.ply").id
    film = f"{splat_address(splat, 'mp4')}&steps=1"
    with httpx.stream("GET", address + film, headers=ADA, timeout=PATIENCE_SECONDS) as first:
        assert first.headers["cache-control"] == "private, no-cache"
        etag = first.headers["etag"]
    assert fetch(address, film, **{"If-None-Match": etag}).status_code == 304
    plainly = fetch(address, splat_address(splat, "ply"), **{"If-None-Match": etag})
    assert plainly.status_code == 200
    studio.delete("ada", [splat])
    assert fetch(address, film, **{"If-None-Match": etag}).status_code == 404


@pytest.mark.parametrize("address_of", [picture_address, thumb_address])
def test_a_deleted_picture_is_gone_from_its_address_and_its_owner_finds_it_in_the_trash(
    address: str, studio: Studio, asset_id: str, address_of: Callable[..., str]
):
    etag = fetch(address, address_of(asset_id)).headers["etag"]
    studio.delete("ada", [asset_id])
    assert fetch(address, address_of(asset_id), **{"If-None-Match": etag}).status_code == 404
    assert fetch(address, address_of(asset_id, trash=True)).status_code == 200
    assert httpx.get(address + address_of(asset_id, trash=True), headers=GRACE).status_code == 404
    assert httpx.get(f"{address}diorama/zip", params={"ids": asset_id}, headers=ADA).status_code == 404
    studio.restore("ada", [asset_id])
    assert fetch(address, address_of(asset_id)).status_code == 200


def test_a_picture_that_is_deleted_while_it_is_sent_is_not_found(
    address: str, studio: Studio, asset_id: str, monkeypatch: pytest.MonkeyPatch
):
    path = studio.path("ada", asset_id)

    class Leaving(type(path)):
        def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
            about = super().stat(follow_symlinks=follow_symlinks)
            studio.delete("ada", [asset_id])
            return about

    monkeypatch.setattr(studio, "path", lambda *_: Leaving(path))
    answer = fetch(address, picture_address(asset_id))
    assert (answer.status_code, answer.json()["error"].partition(" '")[0]) == (404, "There is no picture")


def test_a_thumbnail_that_is_made_again_while_it_is_sent_arrives_whole(
    address: str, studio: Studio, asset_id: str, monkeypatch: pytest.MonkeyPatch
):
    path = studio.thumbnail("ada", asset_id)

    class Changing(type(path)):
        def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
            about = super().stat(follow_symlinks=follow_symlinks)
            Image.effect_noise((64, 64), 99).save(path, "WEBP")
            return about

    monkeypatch.setattr(studio, "thumbnail", lambda *_: Changing(path))
    answer = fetch(address, thumb_address(asset_id))
    with Image.open(io.BytesIO(answer.content)) as thumbnail:
        assert thumbnail.load() is not None


@pytest.mark.parametrize("id", ["0" * 32, "..%2F..%2Fdiorama.sqlite", "diorama.sqlite", "%00", "a" * 5000])
def test_what_is_no_picture_is_not_found(address: str, asset_id: str, id: str):
    assert fetch(address, f"diorama/picture/{id}").status_code == 404


# --- as a zip ---------------------------------------------------------------------------------------------------------


def test_a_zip_holds_the_files_as_they_are_under_their_own_names(address: str, studio: Studio, asset_id: str):
    *_, last = studio.events("ada", studio.generate("ada", GenerateRequest("a blue ball", count=2)).id)
    assert isinstance(last, Done)
    ids = [asset_id, *last.assets]
    form, where = {"ids": ",".join(ids)}, f"{address}diorama/zip"
    for answer in (httpx.get(where, params=form, headers=ADA), httpx.post(where, data=form, headers=ADA)):
        assert re.search(r'filename="diorama-\d{8}-\d{4}\.zip"', answer.headers["content-disposition"])
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        assert files == {(path := studio.path("ada", id)).name: path.read_bytes() for id in ids}


@pytest.mark.parametrize("owner, ids", [("grace", "{}"), ("ada", "{},no-such-picture"), ("ada", "../../etc/passwd")])
def test_a_zip_of_what_is_not_there_is_refused_in_a_sentence(address: str, asset_id: str, owner: str, ids: str):
    headers = {"X-Diorama-Token": owner}
    answer = httpx.get(f"{address}diorama/zip", params={"ids": ids.format(asset_id)}, headers=headers)
    assert (answer.status_code, "There is no picture" in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize("count", [0, 501])
def test_an_address_names_at_most_500_pictures(address: str, asset_id: str, count: int):
    answer = httpx.get(f"{address}diorama/zip", params={"ids": ",".join([asset_id] * count)}, headers=ADA)
    assert answer.status_code == 400
    assert answer.json()["error"] == f"A zip holds 1 to 500 pictures, not {count}. Select fewer of them."
