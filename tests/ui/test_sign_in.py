"""With a password: who signs in owns what they make, also through the calls that carry no session."""

from __future__ import annotations

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
