"""With a password: who signs in owns what they make, also through the calls that carry no session."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
import httpx
from playwright.sync_api import Browser, expect

from studio.service import Studio
from tests.ui.driver import Visitor
from tests.ui.painter import Brush, catalog
from tests.ui.serve import served


def owner_of(request: gr.Request, token: str) -> str:
    return f"user-{request.username}"


def test_the_signed_in_person_owns_what_they_make(chrome: Browser, tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    with served(studio, owner_of, auth=("ada", "lovelace")) as address:
        context = chrome.new_context()
        context.request.post(f"{address}login", form={"username": "ada", "password": "lovelace"})
        visitor = Visitor(context, address)
        visitor.make("a red ball")
        visitor.press("Star")
        expect(visitor.stage.get_by_role("button", name="Starred", exact=True)).to_be_visible()
        expect(visitor.image).to_have_js_property("naturalWidth", 128)
        for place in (visitor.image, visitor.pictures.locator("img").first):
            source = place.get_attribute("src") or ""
            assert httpx.get(source).status_code == 401
            assert context.request.get(source).status == 200
        context.close()
        assert [asset.title for asset in studio.gallery("user-ada", starred=True).assets] == ["a red ball"]
        assert not studio.gallery("user-None").assets
    studio.close()


def test_the_page_says_how_long_to_wait_and_knows_who_comes_back_by_a_link(chrome: Browser, tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    with served(studio, owner_of, auth=("ada", "lovelace")) as address:
        page = chrome.new_page()
        page.goto(address)
        expect(page).to_have_title("Diorama")
        expect(page.get_by_label("username")).to_be_focused()
        status = 0
        while status != 429:  # after five wrong guesses, or more where this machine is slow
            is_first = not status
            page.get_by_label("username").fill("ada")
            page.get_by_label("password").fill("wrong")
            with page.expect_response("**/login") as answer:
                page.get_by_role("button", name="Login").click()
            status = answer.value.status
            if is_first:
                expect(page.get_by_role("alert")).to_contain_text("Wrong name or password.")
                expect(page.get_by_label("username")).to_have_value("ada")
                expect(page.get_by_label("password")).to_be_focused()
        said = re.compile(r"Too many wrong passwords\. Wait \d+ seconds?, then try again\.")
        expect(page.get_by_role("alert")).to_contain_text(said)
        page.get_by_label("username").fill("ada")
        page.get_by_label("password").fill("lovelace")
        is_in = False
        while not is_in:
            with page.expect_response("**/login") as answer:
                page.get_by_role("button", name="Login").click()
            is_in = answer.value.ok
            page.wait_for_timeout(500)
        expect(page.locator("#generate")).to_be_visible()
        page.goto(f"data:text/html,<a href='{address}'>a page elsewhere</a>")
        page.get_by_text("a page elsewhere").click()
        expect(page.locator("#generate")).to_be_visible()
        page.close()
    studio.close()
