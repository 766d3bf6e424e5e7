"""Behind the reverse proxy that README describes: signing in, making, seeing and saving pictures, and calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from gradio_client import Client
from PIL import Image
from playwright.sync_api import Browser, expect

import app
from studio.service import Studio
from tests.app_process import ROOT
from tests.ports import free_port
from tests.reverse_proxy import Location, location, proxying
from tests.ui.driver import Visitor
from tests.ui.painter import Brush, catalog

NAME = "pictures.localhost"  # browsers take whatever ends so to this machine


@pytest.fixture(scope="module")
def example() -> Location:
    """nginx, as README has it."""
    found = re.search(r"```nginx\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return location(found.group(1))


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Diorama with the options that README names, at its own address."""
    port = free_port()
    accounts = ["--auth", "ada:lovelace", "--auth", "grace:hopper"]
    options = app.parse([*accounts, "--allow-host", NAME, "--root-path", "/diorama", "--port", str(port)])
    studio = Studio(catalog(Brush()), tmp_path_factory.mktemp("outputs"))
    demo, arguments = app.build(studio, options, app.inspect())
    demo.launch(**arguments, prevent_thread_lock=True, quiet=True)
    yield f"127.0.0.1:{port}"
    demo.close()
    studio.close()


def test_everything_works_below_a_path(chrome: Browser, example: Location, upstream: str, tmp_path: Path):
    assert (example.prefix, example.upstream, example.replaced) == ("/diorama/", "127.0.0.1:7860", "/")
    with proxying(example._replace(upstream=upstream)) as port:
        address = f"http://{NAME}:{port}/diorama/"
        context = chrome.new_context(viewport={"width": 1280, "height": 800})
        signing = context.new_page()
        signing.goto(address.rstrip("/"))
        signing.get_by_label("username").fill("grace")
        signing.get_by_label("password").fill("hopper")
        signing.get_by_role("button", name="Login").click()
        expect(signing.locator("#generate")).to_be_visible()
        assert signing.url == address
        signing.close()

        visitor = Visitor(context, address)
        visitor.make("a red ball")
        expect(visitor.image).to_have_js_property("naturalWidth", 128)
        with visitor.page.expect_download() as saving:
            visitor.stage.get_by_role("link", name="Download").click()
        with Image.open(saving.value.path()) as saved:
            assert saved.size == (128, 128)
        Image.new("RGB", (64, 48), "teal").save(tmp_path / "teal.png")
        visitor.drop(tmp_path / "teal.png")
        expect(visitor.image).to_have_js_property("naturalWidth", 64)
        visitor.page.get_by_role("tab", name="Gallery").click()
        expect(visitor.cells).to_have_count(2)
        assert visitor.page.url.startswith(address)
        quick = visitor.open_tab()
        quick.goto(f"{address}quick")
        expect(quick.locator(".shown")).to_have_js_property("naturalWidth", 64)
        quick.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        visitor.assert_nothing_went_wrong()
        context.close()


@pytest.mark.parametrize("replaced", ["/", None], ids=["taken off", "passed on"])
def test_a_program_may_call_whether_the_proxy_takes_the_path_off_or_not(
    example: Location, upstream: str, replaced: str | None
):
    with proxying(example._replace(upstream=upstream, replaced=replaced)) as port:
        root = f"http://127.0.0.1:{port}/diorama/"
        assert httpx.get(root.rstrip("/"), follow_redirects=True).url == root
        client = Client(root, auth=("ada", "lovelace"), verbose=False)
        made = client.predict(prompt="a blue cube", api_name="/generate")
        link = urljoin(root, made["pictures"][0]["url"])
        assert link.startswith(f"{root}diorama/")
        assert httpx.get(link, cookies=client.cookies).headers["content-type"] == "image/png"
        client.close()


def test_a_name_that_was_not_allowed_is_refused(example: Location, upstream: str):
    with proxying(example._replace(upstream=upstream)) as port:
        for host, status in ((f"{NAME}:{port}", 200), (f"other.localhost:{port}", 400)):
            answer = httpx.get(f"http://127.0.0.1:{port}/diorama/", headers={"Host": host})
            assert answer.status_code == status
        foreign = {"Host": f"{NAME}:{port}", "Origin": "https://evil.example"}
        answer = httpx.get(f"http://127.0.0.1:{port}/diorama/config", headers=foreign)
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("arguments", [["--allow-host", NAME], ["--root-path", "/../x", "--auth", "a:b"]])
def test_a_proxy_does_not_open_the_page_by_itself(arguments: list[str]):
    with pytest.raises(SystemExit):
        app.parse(arguments)
