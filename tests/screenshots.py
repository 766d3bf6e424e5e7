"""Takes the pictures in the README of the real page with the real models: `python -m tests.screenshots`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.app_process import ROOT, AppProcess
from tests.browser import FLAGS, find
from tests.ui.driver import Visitor
from tests.ui.walk import Walk

PROMPTS = (
    "a brown cylinder on a sand background",
    "an orange donut on a blue background",
    "a pink mushroom on a green background",
    "a white snowman on a purple background",
    "a blue cube and a yellow cone on a grey background",
    "a purple rocket on a pink background",
    "a yellow house on a blue background",
    "a green tree on a sand background",
    "a red ball on a grey background",
)

CHANGES = (("make it blue", 0), ("turn it into a house", 1), ("put it on a sand background", 0), ("make it yellow", 3))
"""What is said, and to which version of the red ball by its number in the tree."""


def main() -> None:
    """Make pictures as a person would and keep what the page looks like in docs/."""
    folder = ROOT / "docs"
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        for take in (take_tabs, take_walk):
            with tempfile.TemporaryDirectory() as outputs:
                app = AppProcess(Path(outputs))
                chrome = playwright.chromium.launch(executable_path=find(), args=FLAGS)
                try:
                    take(chrome, app.url, folder)
                finally:
                    chrome.close()
                    app.stop()


def take_tabs(chrome: Browser, url: str, folder: Path) -> None:
    """Save generate.png, iterate.png, segment.png, forming.png, gallery.png, viewer.png and phone.png."""
    with Visitor.arrives(chrome, url, viewport={"width": 1280, "height": 860}) as visitor:
        for prompt in PROMPTS:
            visitor.make(prompt)
        visitor.page.mouse.move(0, 0)
        visitor.page.screenshot(path=folder / "generate.png")
        cut_out(visitor, folder / "segment.png")
        change(visitor, folder / "iterate.png")
        visitor.open_gallery()
        visitor.search("", f"{len(PROMPTS) + 1 + len(CHANGES)} pictures")
        visitor.page.mouse.move(0, 0)
        visitor.page.screenshot(path=folder / "gallery.png")
        visitor.page.locator(f"#gallery .tile[title^='{PROMPTS[-2]}']").click()
        expect(visitor.large).to_have_js_property("complete", True)
        expect(visitor.viewer.locator(".facts dd").first).to_be_visible()
        visitor.page.screenshot(path=folder / "viewer.png")
        visitor.page.keyboard.press("Escape")
        visitor.page.get_by_role("tab", name="Generate").click()
        visitor.page.locator("#count input[value='4']").check()
        for prompt in reversed(PROMPTS[:3]):
            visitor.generate(prompt)
        expect(visitor.step).to_have_text(re.compile("step [2-6] of 8"))
        visitor.page.screenshot(path=folder / "forming.png")
    with Visitor.arrives(chrome, url, viewport={"width": 390, "height": 844}, color_scheme="dark") as visitor:
        expect(visitor.jobs).to_have_count(0)
        visitor.page.screenshot(path=folder / "phone.png")


def take_walk(chrome: Browser, url: str, folder: Path) -> None:
    """Save walk-1-picture.png and so on: each step of the whole way."""
    with (
        tempfile.TemporaryDirectory() as files,
        Visitor.arrives(chrome, url, viewport={"width": 1280, "height": 860}, reduced_motion="reduce") as visitor,
    ):
        for number, name in enumerate(Walk(visitor, Path(files)).steps(), start=1):
            visitor.page.mouse.move(0, 0)
            visitor.page.screenshot(path=folder / f"walk-{number}-{name}.png")


def cut_out(visitor: Visitor, path: Path) -> None:
    """Click on the red ball, keep it, click on it once more, and save the page."""
    page = visitor.page
    page.locator("#stage .actions .segment").click()
    board = page.locator("#segment .board")
    expect(page.locator("#segment .subject .title")).to_have_text(PROMPTS[-1])
    place = board.bounding_box()
    assert place
    board.click(position={"x": place["width"] / 2, "y": place["height"] * 0.52})
    expect(page.get_by_role("button", name="Keep as object")).to_be_enabled()
    page.get_by_role("button", name="Keep as object").click()
    expect(page.locator("#segment .object")).to_have_count(1)
    page.mouse.move(0, 0)
    page.screenshot(path=path)


def change(visitor: Visitor, path: Path) -> None:
    """Say what to change about the red ball, branch, compare the last version with the first, and save the page."""
    page = visitor.page
    page.locator("#segment .object .edit").click()
    iterate = page.locator("#iterate")
    iterate.get_by_role("radio", name="Anywhere").click()
    versions = iterate.locator(".version:not(.job)")
    for count, (words, source) in enumerate(CHANGES, start=1):
        versions.nth(source).locator(".tile").click()
        iterate.locator(".instruction").fill(words)
        iterate.get_by_role("button", name="Change it").click()
        expect(versions).to_have_count(count + 1)
        expect(iterate.locator(".below .caption")).to_have_text(words)
    versions.first.focus()
    page.keyboard.press("c")
    expect(iterate.locator(".divider")).to_be_visible()
    iterate.locator(".subject").scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    page.screenshot(path=path)


if __name__ == "__main__":
    main()
