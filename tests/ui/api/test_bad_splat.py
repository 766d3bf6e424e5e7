"""Everything wrong that can be sent to 3D, over real HTTP: rows 65-73 of the project's list of bad inputs, and more.

Every refusal is one sentence, and the next good request is answered as if nothing had been.
"""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from studio.recipe.selection import Point, SegmentRequest
from studio.scheduling.contract import Done
from studio.segmentation.objects import png
from studio.service import Studio
from studio.splats.formats.ply import write_ply
from tests.studio.selecting_fake import colour_spec
from tests.studio.turning_fake import FakeSplats, ball, disc_png, turning_specs
from tests.ui.api.conftest import TOKEN
from tests.ui.conftest import OpenStudio
from tests.ui.painter import Brush, catalog

NAMES = ("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2")
NAMES += ("rot_0", "rot_1", "rot_2", "rot_3")


def header(count: int, kind: str = "binary_little_endian", *, ends: bool = True, extra: str = "") -> bytes:
    """Of a PLY file with the properties every splat has."""
    lines = ["ply", f"format {kind} 1.0", f"element vertex {count}", *(f"property float {name}" for name in NAMES)]
    lines += [extra] if extra else []
    return ("\n".join([*lines, "end_header"] if ends else lines) + "\n").encode()


def row(x: float = 0.1, opacity: float = 4.0) -> list[float]:
    return [x, 0.2, 0.3, 0.5, 0.1, 0.1, opacity, -4.0, -4.0, -4.0, 1.0, 0.0, 0.0, 0.0]


def rows(*some: list[float], order: str = "<") -> bytes:
    return b"".join(struct.pack(f"{order}14f", *one) for one in some)


@pytest.fixture(scope="module")
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio(*catalog(Brush(0.005)), colour_spec(), *turning_specs(splats=FakeSplats(300)))


@pytest.fixture(scope="module")
def splat(studio: Studio) -> str:
    return studio.splats.take_in(TOKEN, write_ply(ball(60)), "ball.ply").id


def refused(answer: httpx.Response) -> str:
    """The sentence of a refusal."""
    assert 400 <= answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    assert len(sentence) < 500
    return sentence


FILES = {
    "68 a header that promises 2^31 splats": header(2**31) + rows(row()),
    "68 more splats than there are bytes": header(1000) + rows(row()),
    "69 ascii with ten million lines promised": header(10**7, "ascii") + b"0.1 " * 14 + b"\n",
    "70 a header without an end": header(5, ends=False),
    "70 a header that never ends": b"ply\nformat ascii 1.0\n" + b"comment x\n" * 50_000,
    "71 nothing but NaN": header(2) + rows(row(float("nan")), row(float("inf"))),
    "72 a list property": header(1, extra="property list uchar int vertex_index") + rows(row()),
    "73 all too faint": header(2) + rows(row(opacity=-20.0), row(opacity=-20.0)),
    "no splats at all": header(0),
    "a mesh": b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n",
    "a picture": disc_png(),
    "nothing": b"",
    "a web page": b"<!DOCTYPE html><script>alert(1)</script>",
    "random bytes": np.random.default_rng(0).bytes(999),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_splat_is_refused_with_a_sentence(http: httpx.Client, studio: Studio, name: str):
    before = studio.count(TOKEN)
    refused(http.post("diorama/splats?name=../../etc/passwd.ply", content=FILES[name]))
    assert studio.count(TOKEN) == before


def test_a_big_endian_file_and_one_with_a_few_bad_splats_are_taken(http: httpx.Client, studio: Studio):
    """Rows 71 and 72: what can be read is read, and what was left out is said."""
    good = [row(0.1 * index) for index in range(9)]
    for content, count in (
        (header(9, "binary_big_endian") + rows(*good, order=">"), 9),
        (header(10) + rows(*good, row(float("nan"))), 9),
    ):
        answer = http.post("diorama/splats?name=mine.ply", content=content).raise_for_status().json()
        assert studio.splats.splat(TOKEN, answer["picture"]["id"]).count == count
        assert answer["notes"]


def test_objects_of_which_nothing_can_be_turned_are_refused(http: httpx.Client, studio: Studio):
    """Rows 65 to 67: see-through as a whole, one pixel, and no alpha at all."""
    empty = studio.take_in(TOKEN, png(Image.new("RGBA", (40, 30))), "nothing.png").id
    assert "empty" in refused(http.post("diorama/views", json={"object": empty}))
    whole = studio.take_in(TOKEN, png(Image.new("RGB", (40, 30), "red")), "whole.png").id
    assert "Segment" in refused(http.post("diorama/views", json={"object": whole}))
    dot = Image.new("RGBA", (40, 30))
    dot.putpixel((3, 4), (255, 0, 0, 255))
    pixel = studio.take_in(TOKEN, png(dot), "dot.png").id
    crop = http.get(f"diorama/crop/{pixel}", params={"owner": TOKEN}).raise_for_status()
    assert Image.open(io.BytesIO(crop.content)).size == (512, 512)
    job = http.post("diorama/views", json={"object": pixel, "seed": 1}).raise_for_status().json()["job"]
    *_, last = studio.events(TOKEN, job["id"])
    assert isinstance(last, Done)


REQUESTS: list[tuple[str, dict[str, Any], str]] = [
    ("views", {}, "There is no"),
    ("views", {"object": 17}, "17"),
    ("views", {"object": "' OR 1=1"}, "OR 1=1"),
    ("views", {"elevation_deg": float("nan")}, "nan"),
    ("views", {"elevation_deg": "up"}, "up"),
    ("views", {"elevation_deg": 1e9}, "1000000000"),
    ("views", {"seed": -2}, "-2"),
    ("views", {"seed": 2**64}, "18446744073709551616"),
    ("views", {"steps": 10**6}, "1000000"),
    ("views", {"guidance": float("inf")}, "inf"),
    ("views", {"only": [9]}, "9"),
    ("views", {"only": "all"}, "list"),
    ("views", {"keep": ["x"]}, "four"),
    ("views", {"keep": ["x", "", "", ""]}, "There is no"),
    ("views", {"model": "../../x"}, "../../x"),
    ("views", {"model": ["toy"]}, "text"),
    ("splat", {"splat_model": ["toy"]}, "text"),
    ("splat", {"views_model": 7}, "text"),
    ("splat", {"views": ["0" * 32, "", "", ""]}, "There is no"),
    ("splat", {"views": ["a", "b", "c"]}, "four"),
    ("splat", {"views": ["0" * 32] * 4}, "There is no"),
    ("splat", {"views": {"front": 1}}, "four"),
    ("views/replace", {"index": 4, "picture": "x"}, "4"),
    ("views/replace", {"index": True}, "number"),
    ("views/replace", {"index": 1, "picture": "0" * 32}, "There is no"),
    ("splat/match", {"splat": "0" * 32}, "There is no"),
    ("splat/place", {"splat": ["x"]}, "text"),
    ("splat/turn", {"splat": "0" * 32, "turns": ["left"]}, "There is no"),
    ("splat/turn", {"splat": ["x"], "turns": ["left"]}, "text"),
    ("splat/turn", {"splat": "0" * 32}, "1 to 24 quarter turns"),
    ("splat/turn", {"splat": "0" * 32, "turns": [["left"]]}, "A quarter turn is one of"),
    ("splat/turn", {"splat": "0" * 32, "turns": "left"}, "1 to 24 quarter turns"),
]


@pytest.mark.parametrize(("path", "values", "said"), REQUESTS, ids=[f"{path} {said}" for path, _, said in REQUESTS])
def test_a_request_that_cannot_be_is_refused_with_a_sentence_that_names_it(
    http: httpx.Client, disc: str, path: str, values: dict[str, Any], said: str
):
    body = json.dumps(values if path == "views" and not values else {"object": disc} | values)  # NaN as it is
    assert said in refused(http.post(f"diorama/{path}", content=body))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"[" * 100_000])
def test_what_is_no_request_at_all_is_refused(http: httpx.Client, body: bytes):
    for path in ("views", "splat", "splat/match", "splat/place", "splat/turn", "views/replace"):
        refused(http.post(f"diorama/{path}", content=body))


def test_views_of_a_splat_that_are_no_pictures_are_refused(http: httpx.Client, splat: str, disc: str):
    for content in (b"", b"no picture", FILES["a web page"], write_ply(ball(5))):
        refused(http.post("diorama/splat/view", params={"splat": splat}, content=content))
    refused(http.post("diorama/splat/view", params={"splat": disc}, content=disc_png()))
    refused(http.post("diorama/splat/view", params={"splat": splat, "ground": "sky"}, content=disc_png()))
    refused(http.post("diorama/splat/view", params={"splat": splat, "picture": "../x"}, content=disc_png()))
    for camera in ("", "{", "[1]", '{"width": 1e999}', "x" * 9_000, '{"radius": "far"}'):
        shown = {"splat": splat, "camera": camera, "ground": "plain"}
        http.post("diorama/splat/view", params=shown, content=disc_png()).raise_for_status()  # nobody said from where


def test_a_splat_cannot_be_saved_as_just_anything(http: httpx.Client, splat: str, disc: str):
    for format in ("exe", "", "../x", "PLY"):
        refused(http.get(f"diorama/splat/{splat}", params={"format": format}))
    refused(http.get(f"diorama/splat/{disc}"))
    refused(http.get(f"diorama/crop/{splat}"))
    refused(http.get(f"diorama/filled/{splat}"))


def test_what_is_deleted_is_not_there_and_good_requests_still_work(http: httpx.Client, studio: Studio):
    picture = studio.take_in(TOKEN, disc_png((200, 160), (20, 20, 100, 100)), "another disc.png")
    studio.delete(TOKEN, [picture.id])
    refused(http.post("diorama/views", json={"object": picture.id}))
    studio.restore(TOKEN, [picture.id])
    kept = studio.selections.keep(TOKEN, SegmentRequest(picture.id, points=(Point(60, 60),)), "disc")
    job = http.post("diorama/views", json={"object": kept.id}).raise_for_status().json()["job"]
    *_, last = studio.events(TOKEN, job["id"])
    assert isinstance(last, Done)
    assert len(last.assets) == 4
