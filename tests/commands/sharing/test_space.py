"""Diorama as a Space: the files that are pushed, what README's front matter says, and where pictures are kept there."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import app
import cli
from commands.environment import ROOT
from commands.sharing import space
from pipelines.hub import space as hub_space
from studio.errors import BadRequest

TOKEN = "hf_of-the-test"


class Hub(ThreadingHTTPServer):
    """What huggingface_hub 2.4 asks for when it uploads a folder."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.is_there = False


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, body))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer({"error": "no"}, 401)
        if self.path == "/api/repos/create":
            was_there, self.server.is_there = self.server.is_there, True
            return self._answer({"url": f"{self.server.url}/spaces/ada/diorama"}, 409 if was_there else 200)
        if self.path == "/api/validate-yaml":
            return self._answer({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            told = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]
            return self._answer({"files": told})
        for line in body.splitlines():  # of the commit
            entry = json.loads(line)
            if entry["key"] == "file":
                self.server.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        return self._answer(
            {
                "commitUrl": f"{self.server.url}/spaces/ada/diorama/commit/{'0' * 40}",
                "commitOid": "0" * 40,
                "success": True,
            }
        )

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer({"error": "no"}, 401)
        return self._answer({"id": "ada/diorama", "sha": "0" * 40, "siblings": []})

    def _answer(self, said: Any, status: int = 200) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()


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
