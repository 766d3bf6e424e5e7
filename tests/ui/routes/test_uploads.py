"""The route that takes a picture, by plain HTTP: what it answers, and that it leaves nothing behind."""

from __future__ import annotations

import io
import os
import socket
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from studio.intake.picture import MAX_BYTES
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.ui.painter import Brush, catalog
from tests.ui.serve import everybody_by_token, served
from ui.routes.uploads import TEMPORARY
from ui.routes.visitors import TOKEN_HEADER


@pytest.fixture(autouse=True)
def nothing_is_left(address: str):
    yield
    assert until(lambda: not temporary_files()), temporary_files()


def test_a_picture_comes_in_under_its_name_and_belongs_to_who_sent_it(address: str, studio: Studio):
    answer = post(address, png(), "my holiday.png", owner="ada lovelace")
    assert answer.status_code == 200
    picture, notes = answer.json()["picture"], answer.json()["notes"]
    assert (picture["title"], picture["width"], picture["height"], picture["again"]) == ("my holiday", 40, 30, False)
    assert notes == ["This picture does not say how it was made."]
    assert studio.asset("ada lovelace", picture["id"]).title == "my holiday"
    file = httpx.get(address + picture["file"], headers={TOKEN_HEADER: "ada lovelace"})
    with Image.open(io.BytesIO(file.content)) as kept:
        assert (kept.format, kept.size) == ("PNG", (40, 30))


def test_the_header_with_the_token_has_to_be_there(address: str):
    answer = httpx.post(f"{address}diorama/pictures", content=png())
    assert answer.status_code == 401
    assert answer.json()["error"].endswith("Programs send the header X-Diorama-Token.")


def test_what_is_no_picture_is_refused_with_its_sentence(address: str):
    answer = post(address, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.png")
    assert answer.status_code == 400
    assert "SVG" in answer.json()["error"]


def test_a_file_that_says_it_is_too_long_is_refused_before_it_comes(address: str):
    with talk(address, MAX_BYTES + 1) as line:
        told = line.recv(65_536).decode()
    assert told.startswith("HTTP/1.1 413")
    assert not temporary_files()


def test_an_upload_that_breaks_off_leaves_nothing(address: str, studio: Studio):
    with talk(address, 1_000_000) as line:
        line.sendall(b"\x89PNG" + bytes(200_000))
        assert until(temporary_files)
    assert until(lambda: not temporary_files())
    assert post(address, png(), "next.png").status_code == 200


def test_who_has_not_signed_in_adds_nothing(tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    with served(studio, everybody_by_token, auth=("ada", "lovelace")) as address:
        answer = post(address, png(), "picture.png")
    assert (answer.status_code, answer.json()) == (401, {"error": "Sign in to add pictures."})
    assert not studio.gallery("ada").assets
    studio.close()


def post(address: str, data: bytes, name: str, owner: str = "ada") -> httpx.Response:
    return httpx.post(
        f"{address}diorama/pictures",
        params={"name": name},
        content=data,
        headers={TOKEN_HEADER: owner},
        timeout=PATIENCE_SECONDS,
    )


def png() -> bytes:
    data = io.BytesIO()
    Image.effect_noise((40, 30), 50).save(data, "PNG")
    return data.getvalue()


def talk(address: str, length: int) -> socket.socket:
    """A connection on which the head of an upload of so many bytes was sent."""
    where = urlsplit(address)
    line = socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE_SECONDS)
    head = f"POST /diorama/pictures HTTP/1.1\r\nHost: {where.netloc}\r\n{TOKEN_HEADER}: ada\r\n"
    line.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
    return line


def temporary_files() -> list[Path]:
    return [*Path(tempfile.gettempdir()).glob(f"{TEMPORARY}{os.getpid()}-*")]


def until(true) -> bool:
    """Wait for a state; only a test that fails waits long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
