"""The tools for assistants, called by the real client of the package `mcp`: over HTTP, and over stdio."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import sys
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from tests.patience import PATIENCE_SECONDS
from tests.studio.turning_fake import disc_png
from tests.ui.programs.conftest import Programs

ROOT = Path(__file__).resolve().parents[3]
TABLE = (ROOT / "docs/api.md").read_text(encoding="utf-8").partition("| tool |")[2]
TOOLS = {"generate", "add_picture", "iterate", "segment", "views", "splat", "search", "describe", "models"}


def ask(server: Any, work: Callable[[Client], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        async with Client(server, read_timeout_seconds=PATIENCE_SECONDS) as client:
            return await work(client)

    return run_apart(asked)


def run_apart(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """On a thread of its own: a browser that other tests have opened keeps a loop on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()


def told(answer: Any) -> dict[str, Any]:
    assert not answer.is_error, answer.content[0].text
    return json.loads(answer.content[0].text)


def test_every_tool_says_what_it_does_as_the_document_does(programs: Programs):
    listed = ask(f"{programs.local}/mcp", lambda client: client.list_tools()).tools
    first_lines = {tool.name: (tool.description or "").strip().partition("\n")[0] for tool in listed}
    assert first_lines.keys() == TOOLS
    assert first_lines == dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", TABLE, re.MULTILINE))
    assert all("ctx" not in tool.input_schema["properties"] for tool in listed)
    assert "sent to the provider" in first_lines["describe"]


def test_a_picture_is_made_changed_cut_out_turned_and_found(programs: Programs):
    async def work(client: Client) -> None:
        answer = await client.call_tool("generate", {"prompt": "a yellow ball", "model": "full", "seed": 4})
        (picture,) = told(answer)["pictures"]
        assert picture["seed"] == 4
        assert [part.type for part in answer.content] == ["text", "image", "resource_link"]
        preview = Image.open(io.BytesIO(base64.b64decode(answer.content[1].data)))
        assert max(preview.size) <= 256 and len(answer.content[1].data) < 100_000
        assert httpx.get(picture["url"]).headers["content-type"] == "image/png"
        read = await client.read_resource(answer.content[2].uri)
        assert base64.b64decode(read.contents[0].blob)[:4] == b"\x89PNG"
        changed = told(await client.call_tool("iterate", {"picture": picture["id"], "instruction": "make it red"}))
        assert changed["model"] == "wash"
        brought = await client.call_tool("add_picture", {"content": base64.b64encode(disc_png()).decode()})
        (disc,) = told(brought)["pictures"]
        (object,) = told(await client.call_tool("segment", {"picture": disc["id"], "x": 150, "y": 90}))["pictures"]
        assert object["kind"] == "object"
        assert len(told(await client.call_tool("views", {"object": object["id"]}))["pictures"]) == 4
        made = told(await client.call_tool("splat", {"object": object["id"]}))["pictures"]
        assert "splat" in [each["kind"] for each in made]
        found = told(await client.call_tool("search", {"query": "yellow ball", "limit": 1}))
        assert found["pictures"][0]["title"] == "a yellow ball"
        known = told(await client.call_tool("describe", {"picture": picture["id"]}))
        assert known["prompt"] == "a yellow ball" and known["steps"] == 6

    ask(f"{programs.local}/mcp", work)


@pytest.mark.parametrize(
    ("tool", "values", "sentence"),
    [
        ("generate", {"prompt": "a red ball", "model": "none"}, "There is no model 'none'"),
        ("iterate", {"picture": "0" * 32, "instruction": "make it red"}, "There is no"),
        ("segment", {"picture": "0" * 32}, "There is no"),
        ("add_picture", {"content": "http://169.254.169.254/"}, "URLs are not fetched"),
    ],
)
def test_an_error_is_a_sentence(programs: Programs, tool: str, values: dict[str, Any], sentence: str):
    answer = ask(f"{programs.local}/mcp", lambda client: client.call_tool(tool, values))
    assert answer.is_error
    assert sentence in answer.content[0].text


def test_a_key_is_wanted_and_its_owner_sees_their_own(programs: Programs, key: str):
    assert httpx.post(f"{programs.keyed}/mcp", json={}).status_code == 401

    async def asked() -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http,
            Client(streamable_http_client(f"{programs.keyed}/mcp", http_client=http)) as client,
        ):
            made = told(await client.call_tool("generate", {"prompt": "a purple ball", "model": "toy"}))
            found = told(await client.call_tool("search", {"query": "purple"}))
            return made["pictures"][0]["id"], [each["id"] for each in found["pictures"]]

    made, found = run_apart(asked)
    assert made in found
    assert programs.studio.asset("user-ada", made).title == "a purple ball"


def test_a_program_that_starts_it_speaks_over_stdio(tmp_path: Path):
    command = StdioServerParameters(
        command=sys.executable, args=["cli.py", "mcp", "--outputs", str(tmp_path)], cwd=ROOT
    )

    async def work(client: Client) -> Any:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        return told(await client.call_tool("search", {})), await client.call_tool("models", {})

    found, models = ask(command, work)
    assert found["pictures"] == []
    assert "toy-klein" in [each["id"] for each in json.loads(models.content[0].text)]
