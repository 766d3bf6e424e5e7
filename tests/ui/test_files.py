"""The pictures as files over HTTP, without a browser."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest
from PIL import Image

from studio.contract import Done, GenerateRequest
from studio.service import Studio
from tests.ui.driver import free_port
from tests.ui.painter import Brush, catalog
from ui import page
from ui.files import picture_address, thumb_address


@pytest.fixture
def asset_id(studio: Studio) -> str:
    *_, last = studio.events("ada", studio.generate("ada", GenerateRequest("a red ball")).id)
    assert isinstance(last, Done)
    return last.assets[0]


def test_a_picture_and_its_thumbnail_can_be_fetched_and_kept(address: str, asset_id: str):
    for path, kind in ((picture_address("ada", asset_id), "png"), (thumb_address("ada", asset_id), "webp")):
        answer = httpx.get(address + path)
        assert answer.headers["content-type"] == f"image/{kind}"
        assert "immutable" in answer.headers["cache-control"]
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.size == (128, 128)


def test_a_download_comes_under_its_own_name(address: str, studio: Studio, asset_id: str):
    answer = httpx.get(address + picture_address("ada", asset_id) + "&download=1")
    assert studio.asset("ada", asset_id).name in answer.headers["content-disposition"]


def test_a_thumbnail_that_cannot_be_made_is_the_picture_itself_for_now(address: str, studio: Studio, asset_id: str):
    thumbnail = studio.thumbnail("ada", asset_id)
    studio.path("ada", asset_id).write_bytes(b"damaged")
    thumbnail.unlink()
    answer = httpx.get(address + thumb_address("ada", asset_id))
    assert (answer.content, answer.headers["content-type"]) == (b"damaged", "image/png")
    assert answer.headers["cache-control"] == "no-cache"


def test_a_disk_that_cannot_be_read_is_said_in_a_sentence(tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    demo = page.build(studio, lambda request, token: token)
    _, address, _ = demo.launch(
        server_name="127.0.0.1",
        server_port=free_port(),
        prevent_thread_lock=True,
        quiet=True,
        **page.launch_options(studio, lambda request, token: token),
    )
    studio.close()
    try:
        answer = httpx.get(address + picture_address("ada", "0" * 32))
    finally:
        demo.close()
    assert answer.status_code == 503
    assert answer.json()["detail"] == "Diorama is shutting down and takes nothing new. Start it again."


@pytest.mark.parametrize("path", ["diorama/picture/{}?owner=grace", "diorama/thumb/{}?owner=grace"])
def test_another_owner_has_no_such_picture(address: str, asset_id: str, path: str):
    assert httpx.get(address + path.format(asset_id)).status_code == 404


@pytest.mark.parametrize("id", ["0" * 32, "..%2F..%2Fdiorama.sqlite", "diorama.sqlite", "%00", "a" * 5000])
def test_what_is_no_picture_is_not_found(address: str, asset_id: str, id: str):
    assert httpx.get(f"{address}diorama/picture/{id}?owner=ada").status_code == 404
