"""Everything wrong that can be sent to Iterate, over real HTTP: rows 35-42 of the project's list of bad inputs.

Every refusal is one sentence with the value, and the next good request is answered as if nothing had been.
"""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from studio.recipe.selection import Point, SegmentRequest
from studio.service import Studio
from tests.studio.selecting_fake import colour_spec
from tests.ui.api.conftest import OTHER, TOKEN
from tests.ui.conftest import OpenStudio
from tests.ui.painter import Brush, catalog
from tests.ui.retoucher import retouchers

NOT_FOUND = "There is no"


def png(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def scene(size: tuple[int, int] = (200, 120)) -> bytes:
    image = Image.new("RGB", size, (128, 128, 128))
    ImageDraw.Draw(image).rectangle((20, 20, 60, 60), fill="red")
    return png(image)


@pytest.fixture(scope="module")
def studio(open_studio: OpenStudio) -> Studio:
    brush = Brush(0.001)
    return open_studio(*catalog(brush), *retouchers(brush), colour_spec())


@pytest.fixture(scope="module")
def picture(studio: Studio) -> str:
    return studio.take_in(TOKEN, scene(), "a red cube.png").id


@pytest.fixture(scope="module")
def foreign(studio: Studio) -> str:
    return studio.take_in(OTHER, scene((90, 90)), "not yours.png").id


@pytest.fixture(scope="module")
def deleted(studio: Studio) -> str:
    asset = studio.take_in(TOKEN, scene((80, 80)), "gone.png")
    studio.delete(TOKEN, [asset.id])
    return asset.id


@pytest.fixture(scope="module")
def other_object(studio: Studio) -> str:
    """An object of a picture of another size."""
    larger = studio.take_in(TOKEN, scene((400, 300)), "larger.png").id
    return studio.selections.keep(TOKEN, SegmentRequest(larger, points=(Point(40, 40),)), "cube").id


def sentence(answer: httpx.Response, *, status: tuple[int, ...] = (400, 404)) -> str:
    """The one sentence of a refusal."""
    assert answer.status_code in status, answer.text
    assert "Traceback" not in answer.text
    said = answer.json()["error"]
    assert said.endswith(".")
    assert len(said) < 400
    return said


def ask(http: httpx.Client, values: dict[str, Any]) -> httpx.Response:
    """NaN and Infinity cross the wire as they are."""
    return http.post("diorama/iterate", content=json.dumps({"instruction": "make it green"} | values))


def expect_good(http: httpx.Client, studio: Studio, picture: str) -> None:
    job = ask(http, {"source": picture}).raise_for_status().json()["job"]
    for _ in studio.events(TOKEN, job["id"]):
        pass
    assert studio.job(TOKEN, job["id"]).state == "done"


def test_35_and_37_what_is_not_yours_or_deleted_is_not_there(
    http: httpx.Client, url: str, studio: Studio, picture: str, foreign: str, deleted: str
):
    for wrong in (foreign, deleted, "f" * 32):
        for place in ({"source": wrong}, {"source": picture, "object": wrong}):
            assert NOT_FOUND in sentence(ask(http, place), status=(404,))
        several = {"source": picture, "references": [wrong], "model": "glaze"}
        assert NOT_FOUND in sentence(ask(http, several), status=(404,))
    for path, body in (
        ("tree", {"id": foreign}),
        ("tree/rename", {"id": foreign, "title": "mine"}),
        ("tree/delete", {"id": foreign}),
        ("tree/restore", {"ids": [foreign]}),
        ("tree/replay", {"id": foreign}),
    ):
        said = sentence(http.post(f"diorama/{path}", json=body), status=(404,))
        assert NOT_FOUND in said
        assert "forbidden" not in said
    assert studio.asset(OTHER, foreign).title == "not yours"
    client = Client(url, verbose=False, download_files=False)
    with pytest.raises(AppError, match=NOT_FOUND):
        client.predict(picture_id=foreign, instruction="make it green", token=TOKEN, api_name="/iterate")
    with pytest.raises(AppError, match=NOT_FOUND):
        client.predict(picture_id=foreign, token=TOKEN, api_name="/tree")
    client.close()
    expect_good(http, studio, picture)


@pytest.mark.parametrize(
    "wrong", ["' OR 1=1 --", "../../etc/passwd", "", "x" * 10_000, "\u0000", "<script>", 17, None, [], {}]
)
def test_36_and_38_what_is_no_id_is_refused(http: httpx.Client, studio: Studio, picture: str, wrong: object):
    for path, body in (
        ("iterate", {"source": wrong, "instruction": "make it green"}),
        ("tree", {"id": wrong}),
        ("tree/rename", {"id": wrong, "title": "x"}),
        ("tree/delete", {"id": wrong}),
        ("tree/replay", {"id": wrong}),
    ):
        sentence(http.post(f"diorama/{path}", json=body))
    for wrong_ids in (wrong, [wrong]):
        if wrong_ids not in ([], [[]]):
            sentence(http.post("diorama/tree/restore", json={"ids": wrong_ids}))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"model": "glaze", "strength": float("nan")}, "nan"),
    ({"model": "glaze", "strength": -1}, "-1"),
    ({"model": "glaze", "strength": 2}, "2"),
    ({"model": "glaze", "strength": "much"}, "much"),
    ({"model": "wash", "strength": 0.5}, "strength"),
    ({"model": "glaze", "guidance": float("inf")}, "inf"),
    ({"model": "../../x"}, "../../x"),
    ({"model": "toy"}, "toy"),
    ({"instruction": ""}, "empty"),
    ({"instruction": " \u200b "}, "empty"),
    ({"instruction": "x" * 1_000_000}, "1"),
    ({"instruction": 17}, "17"),
    ({"instruction": "\ud800"}, ""),
    ({"count": 0}, "0"),
    ({"count": 1_000_000}, "1000000"),
    ({"seed": -2}, "-2"),
    ({"seed": 2**64}, "18446744073709551616"),
    ({"seed": "abc"}, "abc"),
    ({"steps": 0}, "0"),
    ({"references": "all"}, "all"),
    ({"references": [17], "model": "glaze"}, "17"),
    ({"references": ["f" * 32] * 50}, "50"),
    ({"strokes": "everywhere"}, "everywhere"),
    ({"strokes": [{"points": [[1, 1]], "radius": -4}]}, "-4"),
    ({"strokes": [{"points": [[float("nan"), 1]], "radius": 4}]}, "nan"),
    ({"strokes": [{"points": [[1, 1]] * 3000, "radius": 4}]}, "3000"),
    ({"strokes": [{"points": [[9000, 9000]], "radius": 4}]}, ""),
    ({"strokes": [{"points": [[60, 60]], "radius": 9, "add": False}]}, ""),
    ({"invert": "no"}, "no"),
    ({"invert": True}, "everything else"),
    ({"feather": float("inf"), "strokes": [{"points": [[60, 60]], "radius": 9}]}, "inf"),
    ({"feather": -3, "strokes": [{"points": [[60, 60]], "radius": 9}]}, "-3"),
    ({"extend": [1e9, 0, 0, 0]}, "1000000000.0"),
    ({"extend": [-8, 0, 0, 0]}, "-8"),
    ({"extend": "left"}, "left"),
    ({"extend": {"sideways": 8}}, ""),
    ({"transparent": True}, "transparent"),
    ({"transparent": "yes"}, "yes"),
    ({"quality": "best"}, "best"),
    ({"negative_prompt": "blur", "model": "wash"}, "negative"),
    ({"confirm_cost": "yes"}, "yes"),
]


@pytest.mark.parametrize(("values", "said"), BAD, ids=[f"{next(iter(values))}-{said}" for values, said in BAD])
def test_39_and_41_values_that_cannot_be_are_named(http: httpx.Client, picture: str, values: dict[str, Any], said: str):
    assert said in sentence(ask(http, {"source": picture} | values), status=(400, 404, 413))


def test_40_a_mask_of_another_size_is_refused(http: httpx.Client, studio: Studio, picture: str, other_object: str):
    said = sentence(ask(http, {"source": picture, "object": other_object}))
    assert "400 x 300" in said
    assert "200 x 120" in said
    sentence(ask(http, {"source": picture, "object": picture}))  # a picture is no object
    expect_good(http, studio, picture)


MODES = {
    "RGBA": Image.new("RGBA", (64, 48), (200, 30, 30, 120)),
    "16 bit": Image.new("I;16", (64, 48), 40_000),
    "palette": Image.new("RGB", (64, 48), "red").convert("P"),
    "1 bit": Image.new("1", (64, 48), 1),
    "grey": Image.new("L", (64, 48), 99),
    "1 x 1": Image.new("RGB", (1, 1), "red"),
    "1 x 500": Image.new("RGB", (1, 500), "red"),
}


@pytest.mark.parametrize("mode", MODES)
def test_42_pictures_of_any_kind_are_changed(http: httpx.Client, studio: Studio, mode: str):
    source = studio.take_in(TOKEN, png(MODES[mode]), "odd.png").id
    for values in ({}, {"strokes": [{"points": [[0, 0]], "radius": 3}]}, {"extend": {"left": 16}}):
        answer = ask(http, {"source": source} | values).raise_for_status()
        for _ in studio.events(TOKEN, answer.json()["job"]["id"]):
            pass
        job = studio.job(TOKEN, answer.json()["job"]["id"])
        assert (job.state, job.error) == ("done", "")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"[" * 100_000, b'{"source": "\xff"}', b"17", b'"text"'])
def test_what_is_no_request_at_all_is_refused(http: httpx.Client, body: bytes):
    for path in ("iterate", "tree", "tree/rename", "tree/delete", "tree/restore", "tree/replay"):
        sentence(http.post(f"diorama/{path}", content=body))


def test_names_are_text_of_a_bearable_length(http: httpx.Client, picture: str):
    for title in ("x" * 100_000, 17, ["a"]):
        sentence(http.post("diorama/tree/rename", json={"id": picture, "title": title}))
    for title in ("<img src=x onerror=alert(1)>", "\u202eevil", "a\u0000b"):
        answer = http.post("diorama/tree/rename", json={"id": picture, "title": title})
        assert answer.status_code in (200, 400)


def test_a_version_that_no_change_made_is_not_replayed(http: httpx.Client, picture: str):
    assert "This picture was not made by a change" in sentence(http.post("diorama/tree/replay", json={"id": picture}))


def test_a_request_without_the_header_is_not_answered(url: str, picture: str):
    with httpx.Client(base_url=url) as stranger:
        assert stranger.post("diorama/iterate", json={"source": picture, "instruction": "x"}).status_code == 401
        assert stranger.get("diorama/tree", params={"id": picture}).status_code == 401
        evil = {"X-Diorama-Token": TOKEN, "Origin": "https://evil.example"}
        assert stranger.options("diorama/iterate", headers=evil).status_code >= 400


def test_after_all_of_it_a_good_request_is_answered(http: httpx.Client, studio: Studio, picture: str):
    expect_good(http, studio, picture)
