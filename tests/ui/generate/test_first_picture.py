"""The first two minutes of a new user: the real app, the real toy model, a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.app_process import AppProcess
from tests.ui.driver import Visitor

PROMPT = "a red ball on a grey background"


def test_a_new_user_has_a_picture_and_finds_it_again(chrome: Browser, tmp_path: Path):
    app = AppProcess(tmp_path)
    with Visitor.arrives(chrome, app.url) as visitor:
        expect(visitor.page.get_by_text("Your picture appears here")).to_be_visible()
        visitor.make(PROMPT)
        assert visitor.image.get_attribute("alt") == PROMPT
        expect(visitor.image).to_have_js_property("naturalWidth", 128)
        shown = visitor.source()
        visitor.reload()
        expect(visitor.pictures).to_have_count(1)
        assert visitor.source() == shown
        visitor.assert_nothing_went_wrong()
    app.stop()
    assert [path.suffix for path in (tmp_path / "images").iterdir()] == [".png"]
