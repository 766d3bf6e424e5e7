"""Diorama as a Space: the files that are pushed, what README's front matter says, and where pictures are kept there."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app
import cli
from commands.environment import ROOT
from commands.sharing import space
from pipelines.hub import space as hub_space
from studio.errors import BadRequest
from tests.json_server import JsonHandler, JsonServer

TOKEN = "hf_of-the-test"


class Answers(JsonHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self.body()
        self.server.asked.append((self.path, body))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer({"error": "no"}, 401)
        if self.path == "/api/repos/create":
            was_there, self.server.is_there = self.server.is_there, True
            return self.answer({"url": f"{self.server.url}/spaces/ada/diorama"}, 409 if was_there else 200)
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            told = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]
            return self.answer({"files": told})
        for line in body.splitlines():  # of the commit
            entry = json.loads(line)
            if entry["key"] == "file":
                self.server.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        return self.answer(
            {
                "commitUrl": f"{self.server.url}/spaces/ada/diorama/commit/{'0' * 40}",
                "commitOid": "0" * 40,
                "success": True,
            }
        )

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer({"error": "no"}, 401)
        return self.answer({"id": "ada/diorama", "sha": "0" * 40, "siblings": []})


class Hub(JsonServer):
    """What huggingface_hub 2.4 asks for when it uploads a folder."""

    handler = Answers

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.is_there = False


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().serving() as hub:
        yield hub


def program(folder: Path) -> Path:
    """A small folder that has of everything: what belongs into a Space, and what must not leave this machine."""
    for name in (*hub_space.FILES, "ui/page.py", "weights/toy/model.safetensors", "commands/sharing/space.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"this is {name}")
    for name in (".env", "users.json", "outputs/images/1.png", "ui/__pycache__/page.pyc", "ui/.env", "tests/test_x.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("SECRET")
    (folder / "README.md").write_text(README)
    return folder


def test_the_program_is_pushed_and_nothing_of_this_machine(tmp_path: Path, hub: Hub):
    folder = program(tmp_path)
    for _ in range(2):  # the second time it is there
        url = hub_space.push(folder, "ada/diorama", token=TOKEN, endpoint=hub.url)
        assert url == f"{hub.url}/spaces/ada/diorama"
    created = json.loads(next(body for path, body in hub.asked if path == "/api/repos/create"))
    assert (created["type"], created["sdk"]) == ("space", "gradio")
    more = {"ui/page.py", "weights/toy/model.safetensors", "commands/sharing/space.py"}
    assert hub.files.keys() == {*hub_space.FILES, *more}
    assert b"SECRET" not in b"".join(hub.files.values())


def test_for_zero_gpu_the_torch_that_is_offered_there_takes_the_place_of_ours(tmp_path: Path, hub: Hub):
    folder = program(tmp_path)
    for name in ("requirements.txt", hub_space.ZERO_GPU):
        (folder / name).write_text((ROOT / name).read_text())
    hub_space.push(folder, "ada/diorama", token=TOKEN, endpoint=hub.url, zero_gpu=True)
    created = json.loads(next(body for path, body in hub.asked if path == "/api/repos/create"))
    assert created["hardware"] == "zero-a10g"
    there, ours = hub.files["requirements.txt"].decode().splitlines(), (folder / "requirements.txt").read_text()
    changed = sorted({*there} - {*ours.splitlines()})
    assert changed == ["torch==2.11.0", "torchvision==0.26.0"]  # a pair, and what ZeroGPU offers
    assert len(there) == len(ours.splitlines()) and hub_space.ZERO_GPU not in hub.files


def test_a_token_that_may_not_write_and_a_hub_that_is_gone_are_one_sentence(tmp_path: Path, hub: Hub):
    folder = program(tmp_path)
    with pytest.raises(BadRequest, match="the token may not write there") as refused:
        hub_space.push(folder, "ada/diorama", token="hf_wrong", endpoint=hub.url)
    assert "hf_wrong" not in str(refused.value)
    hub.shutdown()
    hub.server_close()
    with pytest.raises(BadRequest, match="does not answer"):
        hub_space.push(folder, "ada/diorama", token=TOKEN, endpoint=hub.url)


def test_a_name_that_is_none_is_refused_before_anything_is_sent(capsys: pytest.CaptureFixture[str]):
    for name in ("diorama", "a/b/c", "../x", "http://a/b"):
        assert cli.main(["space", "push", name]) == 2
        assert "is named like USER/NAME" in capsys.readouterr().err


README = (ROOT / "README.md").read_text(encoding="utf-8")
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def test_the_front_matter_is_one_that_spaces_take():
    """Source: https://huggingface.co/docs/hub/spaces-config-reference"""
    matter = re.match(r"---\n(.*?)\n---\n", README, re.DOTALL)
    assert matter
    said = dict(
        line.split(": ", 1) for line in matter.group(1).splitlines() if not line.startswith(" ") and ": " in line
    )
    assert {"title", "emoji", "sdk", "app_file"} <= said.keys()
    assert said["sdk"] == "gradio"
    assert {said["colorFrom"], said["colorTo"]} <= COLOURS
    assert (ROOT / said["app_file"]).is_file()
    assert len(said["short_description"]) <= 60
    assert said["python_version"].strip('"') in ("3.11", "3.12")
    assert f"gradio=={said['sdk_version']}" in (ROOT / "requirements.txt").read_text()


def test_every_folder_of_the_program_is_pushed():
    imported = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert imported - {"tests", "benchmarks", "toybox"} <= {*hub_space.PROGRAM}


EVERYWHERE = re.compile(r"(lib(c|m|mvec|dl|rt|pthread|z|gcc_s|stdc\+\+|atomic)\.so|ld-linux-).*")
"""What is in the image of every Space: glibc, the libraries of gcc, and zlib, which Python itself needs."""


def needed(path: Path) -> set[str]:
    """The libraries that a library is linked to. Source: https://refspecs.linuxfoundation.org/elf/elf.pdf"""
    data = path.read_bytes()
    start, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQ", data, start + index * size) for index in range(count)]
    loads = [(address, offset, length) for kind, _, offset, address, _, length in segments if kind == 1]
    (offset, length), *_ = [(offset, length) for kind, _, offset, _, _, length in segments if kind == 2]
    entries = [struct.unpack_from("<QQ", data, each) for each in range(offset, offset + length, 16)]
    table = next(value for tag, value in entries if tag == 5)
    names = next(offset + table - address for address, offset, length in loads if address <= table < address + length)
    return {data[names + at : data.index(0, names + at)].decode() for tag, at in entries if tag == 1}


@pytest.mark.skipif(sys.platform != "linux", reason="Spaces run on Linux")
def test_no_package_of_the_system_is_needed():
    """So there is no packages.txt: what OpenCV and PyAV link to is in their wheels, or in every Debian."""
    for package in ("cv2", "av"):
        found = importlib.util.find_spec(package)
        assert found and found.origin
        folder = Path(found.origin).parent
        files = [path for path in (*folder.rglob("*.so*"), *folder.parent.glob("*.libs/*")) if path.is_file()]
        wanted = set[str]().union(*map(needed, files)) - {path.name for path in files}
        assert files and not [name for name in wanted if not EVERYWHERE.fullmatch(name)]
    assert not (ROOT / "packages.txt").exists()


def test_pictures_are_kept_where_a_space_keeps_them_and_the_page_says_so_where_it_does_not(tmp_path: Path):
    assert space.outputs_of_space(Path("x"), tmp_path) == (tmp_path / "outputs", "")
    default, said = space.outputs_of_space(Path("x"), tmp_path / "none")
    assert default == Path("x") and "gone when it restarts" in said


def test_a_space_uses_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPACE_ID", "ada/diorama")
    options = app.parse([])
    assert options.notice == ("" if space.PERSISTENT.is_dir() else space.EPHEMERAL)
    monkeypatch.delenv("SPACE_ID")
    assert app.parse([]).notice == ""
