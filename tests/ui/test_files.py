"""The pictures as files over HTTP, without a browser."""

from __future__ import annotations

import io

import httpx
import pytest
from PIL import Image

from studio.contract import Done, GenerateRequest
from studio.service import Studio
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


@pytest.mark.parametrize("path", ["diorama/picture/{}?owner=grace", "diorama/thumb/{}?owner=grace"])
def test_another_owner_has_no_such_picture(address: str, asset_id: str, path: str):
    assert httpx.get(address + path.format(asset_id)).status_code == 404


@pytest.mark.parametrize("id", ["0" * 32, "..%2F..%2Fdiorama.sqlite", "diorama.sqlite", "%00", "a" * 5000])
def test_what_is_no_picture_is_not_found(address: str, asset_id: str, id: str):
    assert httpx.get(f"{address}diorama/picture/{id}?owner=ada").status_code == 404
