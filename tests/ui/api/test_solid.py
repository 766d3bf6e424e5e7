"""3D over HTTP: the endpoints with `gradio_client`, and the routes of the page."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from studio.service import Studio
from studio.splats.any_format import read_splat
from studio.splats.formats.ply import write_ply
from tests.studio.turning_fake import FakeSplats, ball, disc_png, turning_specs
from tests.ui.api.conftest import OTHER, TOKEN
from tests.ui.conftest import OpenStudio
from tests.ui.painter import Brush, catalog
from ui.solid import open_in_3d

SPLATS = 400


@pytest.fixture(scope="module")
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio(*catalog(Brush(0.005)), *turning_specs(splats=FakeSplats(SPLATS)))


@pytest.fixture(scope="module")
def splat(client: Client, disc: str) -> dict:
    return client.predict(object_id=disc, token=TOKEN, api_name="/splat")["splat"]


def test_an_object_becomes_a_splat_in_one_call(client: Client, studio: Studio, splat: dict, disc: str):
    assert splat["kind"] == "splat"
    assert splat["count"] == SPLATS
    assert splat["fit"] > 0.85
    assert splat["camera"]["width"] == 256
    assert splat["views"] == list(studio.solids.views_of(TOKEN, disc))
    again = client.predict(object_id=disc, views=[disc] * 4, token=TOKEN, api_name="/splat")["splat"]
    assert again["id"] != splat["id"]
    assert again["views"] == [disc] * 4


def test_views_can_be_made_alone_and_one_of_them_anew(client: Client, disc: str):
    made = client.predict(object_id=disc, seed=7, elevation_deg=10, token=TOKEN, api_name="/views")
    assert made["state"] == "done"
    assert [view["kind"] for view in made["views"]] == ["view"] * 4
    assert [view["seed"] for view in made["views"]] == [None, 7, 7, 7]  # the front is the object itself
    anew = client.predict(object_id=disc, only=[2], seed=8, token=TOKEN, api_name="/views")["views"]
    assert [view["seed"] for view in anew] == [None, 7, 8, 7]


def test_a_splat_is_seen_from_anywhere(client: Client, splat: dict):
    images = []
    for turned in (0, 120):
        seen = client.predict(splat_id=splat["id"], azimuth_deg=turned, token=TOKEN, api_name="/render_splat")
        assert seen["camera"]["azimuth_deg"] == turned
        image = Image.open(io.BytesIO(base64.b64decode(seen["image"].partition(",")[2])))
        assert list(image.size) == seen["size"] == [256, 192]
        images.append(image)
    red, turned_red = (image.getpixel((150, 90))[0] for image in images)  # type: ignore[index]
    assert red > turned_red + 20  # its back is darker


def test_parts_of_a_splat_are_erased(client: Client, studio: Studio, splat: dict):
    upper = [{"regions": [{"camera": splat["camera"], "rectangle": [0, 0, 256, 90]}], "keep": True}]
    left = client.predict(splat_id=splat["id"], erasures=upper, token=TOKEN, api_name="/erase_splat")
    assert 0.3 * SPLATS < left["count"] < 0.7 * SPLATS
    assert studio.asset(TOKEN, left["id"]).parents[-1] == splat["id"]
    with pytest.raises(AppError, match="list of regions"):
        client.predict(splat_id=splat["id"], erasures=[], token=TOKEN, api_name="/erase_splat")
    with pytest.raises(AppError, match="There is no"):
        client.predict(splat_id=splat["id"], erasures=upper, token=OTHER, api_name="/erase_splat")


def test_a_splat_is_exported_and_brought_back(client: Client, http: httpx.Client, splat: dict, tmp_path: Path):
    for format in ("ply", "splat", "spz", "html", "glb"):
        told = client.predict(splat_id=splat["id"], format=format, token=TOKEN, api_name="/export_splat")
        answer = http.get(told["url"]).raise_for_status()
        assert told["name"].endswith(f".{format}")
        assert len(answer.content) == told["bytes"]
        assert "attachment" in answer.headers["content-disposition"]
        if format in ("splat", "spz"):
            assert read_splat(answer.content).splat.count == SPLATS
    file = tmp_path / "ball.ply"
    file.write_bytes(write_ply(ball(120)))
    added = client.predict(file=handle_file(file), name="my ball", token=TOKEN, api_name="/add_splat")
    assert added["splat"]["count"] == 120
    assert added["splat"]["camera"] is None
    seen = client.predict(splat_id=added["splat"]["id"], token=TOKEN, api_name="/render_splat")
    assert seen["size"] == [512, 512]
    up = client.predict(file=handle_file(file), name="my ball", up="z", token=TOKEN, api_name="/add_splat")
    assert up["splat"]["count"] == 120 and up["splat"]["id"] != added["splat"]["id"]
    with pytest.raises(AppError, match="axis that points up is one of x, -x, y, -y, z, -z, not 'w'"):
        client.predict(file=handle_file(file), up="w", token=TOKEN, api_name="/add_splat")
    stood = http.post("diorama/splats", params={"up": "x"}, content=file.read_bytes()).raise_for_status().json()
    assert stood["picture"]["id"] != added["splat"]["id"] and stood["picture"]["title"] == "my ball"
    again = http.post("diorama/splats", params={"name": "my ball.ply", "up": "-y"}, content=file.read_bytes())
    assert again.raise_for_status().json()["picture"]["id"] == added["splat"]["id"]
    refused = http.post("diorama/splats", params={"up": "w"}, content=file.read_bytes())
    assert refused.status_code == 400 and "axis that points up" in refused.json()["error"]


def test_the_routes_of_the_page(http: httpx.Client, studio: Studio, splat: dict, disc: str):
    for path in (f"diorama/crop/{disc}", f"diorama/filled/{splat['id']}", f"diorama/thumb/{splat['id']}"):
        answer = http.get(path).raise_for_status()
        assert min(Image.open(io.BytesIO(answer.content)).size) > 100
    rows = http.get(f"diorama/splat/{splat['id']}").raise_for_status().content
    assert len(rows) == 32 * SPLATS
    camera = json.dumps(splat["camera"] | {"azimuth_deg": 40.0})
    shown = {"splat": splat["id"], "picture": disc, "camera": camera, "ground": "filled"}
    kept = http.post("diorama/splat/view", params=shown, content=disc_png()).raise_for_status().json()["picture"]
    assert kept["kind"] == "image"
    assert studio.asset(TOKEN, kept["id"]).parents == (disc, splat["id"])
    camera = studio.asset(TOKEN, kept["id"]).recipe.render.camera
    assert camera is not None and camera.azimuth_deg == 40
    body = {"object": disc, "index": 1, "picture": kept["id"]}
    replaced = http.post("diorama/views/replace", json=body).raise_for_status().json()["picture"]
    assert studio.solids.views_of(TOKEN, disc)[1] == replaced["id"]
    placed = (
        http.post("diorama/splat/place", json={"splat": splat["id"], "on": disc}).raise_for_status().json()["splat"]
    )
    assert placed["parents"] == [disc]
    http.post("diorama/splat/match", json={"splat": placed["id"]}).raise_for_status()


def test_opening_a_splat_reads_its_file_once(http: httpx.Client, studio: Studio, tmp_path: Path):
    id = studio.splats.take_in(TOKEN, write_ply(ball(90)), "opened.ply").id
    path = str(studio.path(TOKEN, id))
    opened: list[str] = []
    is_over = False

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and not is_over and str(arguments[0]) == path:
            opened.append(path)

    sys.addaudithook(count)  # for good: it cannot be taken away again
    answer = open_in_3d(studio, TOKEN, {"id": id})
    rows = http.get(answer["splat"]["data"]).raise_for_status().content
    is_over = True
    assert len(rows) == 32 * answer["splat"]["count"] == 32 * 90
    assert opened == [path]


def test_somebody_elses_splat_is_not_there(http: httpx.Client, client: Client, splat: dict, disc: str):
    headers = {"X-Diorama-Token": OTHER}
    for path, body in (
        ("views", {"object": disc}),
        ("splat", {"object": disc, "views": [disc] * 4}),
        ("splat/match", {"splat": splat["id"]}),
        ("splat/place", {"splat": splat["id"], "on": disc}),
        ("views/replace", {"object": disc, "index": 0, "picture": disc}),
    ):
        answer = http.post(f"diorama/{path}", json=body, headers=headers)
        assert answer.status_code == 404, path
        assert "There is no " in answer.json()["error"]
    for path in (f"splat/{splat['id']}", f"crop/{disc}", f"filled/{splat['id']}"):
        assert http.get(f"diorama/{path}", headers=headers).status_code == 404
    with pytest.raises(AppError, match="There is no "):
        client.predict(splat_id=splat["id"], token=OTHER, api_name="/export_splat")


def test_a_request_without_the_header_is_not_answered(url: str, disc: str):
    with httpx.Client(base_url=url) as stranger:
        for path in ("views", "splat", "splats", "splat/view", "splat/match"):
            assert stranger.post(f"diorama/{path}", json={"object": disc}).status_code == 401
