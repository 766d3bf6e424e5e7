"""The 3D tab in words: what a person does there and sees, on top of Playwright."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Locator, Page, expect

from tests.patience import PATIENCE_SECONDS

IS_DECODED = """picture => picture.hidden || !picture.src || Promise.race([
  picture.decode().then(() => true, () => false),
  new Promise((later) => setTimeout(later, 1000, false)),
])"""


class Turntable:
    """The 3D tab of a page."""

    def __init__(self, page: Page, splats: int | None = None) -> None:
        """
        Args:
            splats: how many a splat that is made there has; None: any number.
        """
        self.page, self.splats = page, splats

    def open(self, id: str) -> None:
        """As a link or a button elsewhere on the page does it."""
        event = "new CustomEvent('diorama-splat', {detail: {id}})"
        self.page.evaluate(
            "id => { history.replaceState(null, '', `#splat=${id}`);"
            f" document.getElementById('3d-tab-button').click(); document.dispatchEvent({event}); }}",
            id,
        )
        self.page.wait_for_function("id => document.querySelector('#splat')?.dataset.opened === id", arg=id)

    def find(self, selector: str) -> Locator:
        return self.page.locator(f"#splat {selector}")

    @property
    def canvas(self) -> Locator:
        return self.find(".turntable")

    @property
    def primary(self) -> Locator:
        return self.find(".primary")

    def make(self) -> str:
        """Everything in one go. Returns the id of the splat."""
        self.primary.click()
        expect(self.find(".fit")).to_be_visible()
        self.expect_drawn()
        return self.shown

    def expect_drawn(self, count: int | None = None, *, home: bool = True) -> None:
        """The canvas shows what was asked for."""
        expect(self.canvas).to_have_attribute("data-shows", re.compile("."))
        expect(self.canvas).to_have_attribute("data-splats", re.compile(f"^{count or self.splats or '[1-9][0-9]*'}$"))
        expect(self.canvas).to_have_attribute("data-home", "yes" if home else "no")
        expect(self.canvas).to_have_attribute("data-settled", "yes")

    @property
    def shown(self) -> str:
        return self.canvas.get_attribute("data-shows") or ""

    def pixels(self) -> bytes:
        """What is on the screen where the splat is, on its picture, without the messages that may lie over it."""
        self.page.wait_for_function(IS_DECODED, arg=self.find(".ground").element_handle())
        return self.find(".frame").screenshot(style=".toasts { visibility: hidden }")

    def pixels_again(self, before: bytes) -> bytes:
        """The same, once it is what it was before: a busy machine may show an older frame for a while."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (now := self.pixels()) != before and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        return now

    def drag(self, x: float, y: float) -> None:
        box = self.canvas.bounding_box()
        assert box
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.move(*middle)
        self.page.mouse.down()
        self.page.mouse.move(middle[0] + x, middle[1] + y, steps=2)
        self.page.mouse.up()
