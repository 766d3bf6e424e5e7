"""A new user changes the first picture: the real app, the real toy model, a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.app_process import AppProcess
from tests.ui.driver import Visitor


def test_a_new_user_makes_the_ball_blue(chrome: Browser, tmp_path: Path):
    app = AppProcess(tmp_path)
    with Visitor.arrives(chrome, app.url) as visitor:
        visitor.make("a red ball on a grey background")
        visitor.press("Edit")
        column = visitor.page.get_by_role("form", name="What to change")
        column.get_by_label("What should change?").fill("make it blue")
        column.get_by_role("button", name="Change it").click()
        versions = visitor.page.get_by_role("tree", name="Versions of this picture").get_by_role("treeitem")
        expect(versions).to_have_count(2)
        expect(versions.last).to_have_attribute("aria-selected", "true")
        expect(versions.last).to_have_attribute("aria-label", "make it blue")
        column.get_by_role("button", name="A house").click()
        expect(versions).to_have_count(3)
        expect(versions.last).to_have_attribute("aria-label", "turn it into a house")  # and no longer "being made"
        column.get_by_label("What should change?").fill("give it wings")
        column.get_by_role("button", name="Change it").click()
        expect(column.locator(".note")).to_contain_text("does not know: give, wings")
        expect(versions).to_have_count(4)
        expect(versions.last).to_have_attribute("aria-label", "give it wings")
        visitor.assert_nothing_went_wrong()
    app.stop()
    assert len([*(tmp_path / "images").iterdir()]) == 4
