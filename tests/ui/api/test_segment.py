"""Clicks and objects over HTTP: the endpoints, the routes, and what must be refused with a sentence."""

from __future__ import annotations

import base64
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from studio.service import Studio
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.studio.selecting_fake import colour_spec
from tests.ui.api.conftest import OTHER, TOKEN
from tests.ui.conftest import OpenStudio
from tests.ui.painter import Brush, catalog

RED = [60, 60]


def scene() -> bytes:
    image = Image.new("RGB", (200, 120), (128, 128, 128))
    ImageDraw.Draw(image).rectangle((20, 20, 99, 99), fill="red")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio(*catalog(Brush(0.005)), colour_spec())


@pytest.fixture(scope="module")
def picture(studio: Studio) -> str:
    return studio.take_in(TOKEN, scene(), "a red cube.png").id


def pixels(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def test_a_selection_over_http_is_answered_with_masks(http: httpx.Client, picture: str):
    body = {"picture": picture, "points": [[*RED, 1]], "number": 7, "page": "one"}
    answer = http.post("diorama/segment", json=body).raise_for_status().json()
    assert answer["number"] == 7
    assert answer["size"] == [200, 120]
    assert answer["box"] == pytest.approx([20, 20, 100, 100], abs=4)
    assert [each["score"] for each in answer["candidates"]] == [0.9, 0.6, 0.3]
    mask = pixels(answer["mask"])
    assert (mask.mode, mask.size, mask.getpixel((60, 60)), mask.getpixel((150, 60))) == ("L", (200, 120), 255, 0)
    assert max(pixels(answer["candidates"][0]["thumb"]).size) == 96


def test_clicks_that_wait_hold_up_nothing_else(http: httpx.Client, studio: Studio, picture: str):
    """Forty: asyncio itself has at most 32 threads."""
    clicks, go = studio.selections._clicks, threading.Event()
    clicks.later(lambda: go.wait(PATIENCE_SECONDS))

    def click(number: int) -> int:
        body = {"picture": picture, "points": [[*RED, 1]], "page": f"{number}"}
        return http.post("diorama/segment", json=body).status_code

    with ThreadPoolExecutor(40) as people:
        try:
            clicked = [people.submit(click, number) for number in range(40)]
            wait_until(lambda: clicks._waiting == len(clicked))
            assert http.post("diorama/watch", json={}).status_code == 200
        finally:
            go.set()
    assert {each.result() for each in clicked} == {200}


def test_everything_and_objects_over_http(http: httpx.Client, picture: str):
    found = http.post("diorama/segment/everything", json={"picture": picture}).raise_for_status().json()
    assert len(found["regions"]) == 2
    labels = pixels(found["labels"])
    assert {labels.getpixel((60, 60)), labels.getpixel((150, 60))} == {(1, 0, 0), (2, 0, 0)}
    body = {"picture": picture, "points": [[*RED, 1]], "name": "my cube"}
    kept = http.post("diorama/objects", json=body).raise_for_status().json()["picture"]
    assert (kept["kind"], kept["title"], kept["parents"]) == ("object", "my cube", [picture])
    for what, mode in (("mask", "L"), ("cutout", "RGBA")):
        answer = http.get(f"diorama/{what}/{kept['id']}").raise_for_status()
        assert "attachment" in answer.headers["content-disposition"]
        assert Image.open(io.BytesIO(answer.content)).mode == mode


def test_the_endpoints_do_the_same(client: Client, picture: str, tmp_path: Path):
    whole = client.predict(picture_id=picture, points=[RED], token=TOKEN, api_name="/segment")
    parts = client.predict(picture_id=picture, points=[[0.3, 0.5]], unit="fraction", token=TOKEN, api_name="/segment")
    assert whole["mask"] == parts["mask"]
    boxed = client.predict(picture_id=picture, box=[20, 20, 100, 100], token=TOKEN, api_name="/segment")
    assert boxed["area"] == pytest.approx(6400, rel=0.1)
    kept = client.predict(
        picture_id=picture,
        points=[RED, [150, 60]],
        labels=[1, 0],
        options={"grow": 2},
        token=TOKEN,
        api_name="/keep_object",
    )
    assert kept["object"]["kind"] == "object"
    again = client.predict(picture_id=picture, mask=kept["object"]["id"], token=TOKEN, api_name="/segment")
    assert again["area"] > 6000
    found = client.predict(picture_id=picture, token=TOKEN, api_name="/segment_everything")
    assert len(found["regions"]) == 2
    path = tmp_path / "scene.png"
    path.write_bytes(scene())
    from_file = client.predict(file=handle_file(path), points=[RED], token=TOKEN, api_name="/segment")
    assert from_file["picture"]["id"] == picture  # the same bytes are the same picture


BAD: list[tuple[dict[str, Any], str]] = [
    ({"points": [[500, 60, 1]]}, "(500, 60)"),
    ({"points": [[float("nan"), 60, 1]]}, "nan"),
    ({"points": [[float("inf"), 60, 1]]}, "inf"),
    ({"points": [[1, 1, 1]] * 201}, "201"),
    ({"points": [[60, 60, 5]]}, "5"),
    ({"points": [[60, 60, "yes"]]}, "yes"),
    ({"points": [[60]]}, "a list"),
    ({"points": "everywhere"}, "everywhere"),
    ({"points": [["60", "60", 1]]}, "'60'"),
    ({"points": [[10**400, 60, 1]]}, "finite"),
    ({"box": [100, 100, 20, 20]}, "[100, 100, 20, 20]"),
    ({"box": [1, 2, 3]}, "4 numbers"),
    ({"points": [[60, 60, 1]], "choice": 7}, "7"),
    ({"points": [[60, 60, 1]], "grow": "much"}, "much"),
    ({"points": [[60, 60, 1]], "grow": 1e9}, "1e+09"),
    ({"points": [[60, 60, 1]], "strokes": [{"points": [[1, 1]], "radius": -4}]}, "-4"),
    ({"points": [[60, 60, 1]], "strokes": [{"points": [[1, 1]] * 3000, "radius": 4}]}, "3000"),
    ({"points": [[60, 60, 1]], "invert": "no"}, "no"),
    ({"points": [[60, 60, 1]], "model": "../../x"}, "../../x"),
    ({"points": [[60, 60, 1]], "most": "huge"}, "huge"),
    ({"points": [[60, 60, 1]], "number": -1}, "-1"),
    ({"points": [[60, 60, 1]], "picture": "' OR 1=1"}, "OR 1=1"),
    ({"points": [[60, 60, 1]], "picture": 17}, "17"),
]


@pytest.mark.parametrize(("values", "said"), BAD, ids=[f"{said}" for _, said in BAD])
def test_what_cannot_be_is_refused_with_a_sentence_that_names_it(
    http: httpx.Client, picture: str, values: dict[str, Any], said: str
):
    body = json.dumps({"picture": picture} | values)  # NaN and Infinity cross the wire as they are
    answer = http.post("diorama/segment", content=body)
    sentence = answer.json()["error"]
    assert answer.status_code in (400, 404)
    assert said in sentence
    assert sentence.endswith(".")
    assert "Traceback" not in answer.text
    good = http.post("diorama/segment", json={"picture": picture, "points": [[*RED, 1]]})
    assert good.status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b"[" * 100_000, '{"picture": "\ud800"}'.encode("utf-8", "surrogatepass")]
)
def test_what_is_no_selection_at_all_is_refused(http: httpx.Client, body: bytes):
    answer = http.post("diorama/segment", content=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"].endswith(".")


def test_somebody_elses_picture_is_not_there(http: httpx.Client, client: Client, studio: Studio, picture: str):
    kept = studio.selections.objects_of(TOKEN, picture) or (studio.asset(TOKEN, picture),)
    headers = {"X-Diorama-Token": OTHER}
    for path in ("diorama/segment", "diorama/segment/everything", "diorama/objects"):
        answer = http.post(path, json={"picture": picture, "points": [[*RED, 1]]}, headers=headers)
        assert answer.status_code == 404
        assert "There is no picture" in answer.json()["error"]
    assert http.get(f"diorama/mask/{kept[0].id}", headers=headers).status_code == 404
    with pytest.raises(AppError, match="There is no picture"):
        client.predict(picture_id=picture, points=[RED], token=OTHER, api_name="/segment")


def test_a_request_without_the_header_is_not_answered(url: str, picture: str):
    with httpx.Client(base_url=url) as stranger:
        answer = stranger.post("diorama/segment", json={"picture": picture, "points": [[*RED, 1]]})
    assert answer.status_code == 401


def test_a_deleted_picture_is_still_only_its_owners(http: httpx.Client, studio: Studio):
    other = Image.new("RGB", (30, 30), "green")
    file = io.BytesIO()
    other.save(file, "PNG")
    asset = studio.take_in(TOKEN, file.getvalue(), "green.png")
    answer = http.post("diorama/segment", json={"picture": asset.id, "points": [[15, 15, 1]]})
    assert answer.json()["area"] == 900
