"""The whole way through the app as a first visitor goes it: words, picture, object, views, splat, new picture, file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.ui.driver import Visitor
from tests.ui.turntable import Turntable

PROMPT = "a yellow house on a blue background"
SEED = "9"
STEPS = {
    "picture": "Words become a picture.",
    "click": "One click selects an object.",
    "object": "It is kept, cut out.",
    "views": "A model imagines its four sides.",
    "splat": "The splat stands exactly on its picture.",
    "turned": "It turns.",
    "reset": "Reset puts it back, pixel for pixel.",
    "saved": "What you see is saved as a picture.",
    "export": "The splat leaves as a file for other tools.",
}
"""Each step of the way, and what can be seen then."""


class Walk:
    """One visit; what was seen on the way is kept.

    Attributes:
        fit: how well the splat covers its object, in percent, as the page says it.
        before, turned, after: what the splat looked like when it was made, turned, and after Reset: PNG.
        file: the exported splat.
    """

    def __init__(self, visitor: Visitor, folder: Path) -> None:
        """
        Args:
            folder: for the file that is exported.
        """
        self._visitor, self._folder = visitor, folder
        self.table = Turntable(visitor.page)
        self.fit, self.before, self.turned, self.after, self.file = 0, b"", b"", b"", folder / "house.ply"

    def steps(self) -> Iterator[str]:
        """Goes on by one of STEPS at a time, and yields its name."""
        page, table = self._visitor.page, self.table
        self._visitor.open_more()
        page.locator("#seed input").fill(SEED)
        self._visitor.make(PROMPT)
        yield "picture"
        self._click()
        yield "click"
        page.get_by_role("button", name="Keep as object").click()
        expect(page.locator("#segment .object")).to_have_count(1)
        yield "object"
        page.locator("#segment .object .turn").click()
        expect(table.find(".crop")).to_have_js_property("complete", True)
        table.find(".views-only").click()
        for index in range(4):
            expect(table.find(".four li img").nth(index)).to_have_js_property("complete", True)
        expect(table.primary).to_have_text("Make it 3D from these views")
        yield "views"
        table.make()
        said = re.search(r"(\d+) %", table.find(".fit").inner_text())
        self.fit, self.before = int(said[1]) if said else 0, table.pixels()
        yield "splat"
        table.drag(170, 25)
        table.expect_drawn(home=False)
        self.turned = table.pixels()
        yield "turned"
        table.find(".reset").click()
        table.expect_drawn()
        self.after = table.pixels_again(self.before)
        yield "reset"
        table.drag(-120, 10)
        table.expect_drawn(home=False)
        table.primary.click()
        expect(self._visitor.toast).to_contain_text("Saved as a new picture")
        yield "saved"
        table.find(".exports summary").click()
        yield "export"
        with page.expect_download() as saving:
            table.find(".exports a").first.click()
        saving.value.save_as(self.file)

    def _click(self) -> None:
        """Open the picture in Segment and click where a person sees the object."""
        page = self._visitor.page
        shown = page.request.get(self._visitor.address + self._visitor.source().removeprefix(self._visitor.address))
        x, y = middle_of_thing(Image.open(io.BytesIO(shown.body())))
        page.locator("#stage .actions .segment").click()
        expect(page.locator("#segment .subject .title")).to_have_text(PROMPT)
        board = page.locator("#segment .board")
        place = board.bounding_box()
        assert place
        side = min(place["width"], place["height"])  # the picture is square and in the middle
        left, top = (place["width"] - side) / 2, (place["height"] - side) / 2
        board.click(position={"x": left + x * side, "y": top + y * side})
        expect(page.get_by_role("button", name="Keep as object")).to_be_enabled()


def middle_of_thing(image: Image.Image) -> tuple[float, float]:
    """Where a picture of one thing shows it: shares of width and height."""
    pixels = np.asarray(image.convert("RGB"), np.float32)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    strange = np.abs(pixels[:, :, None] - border[:: len(border) // 16]).sum(-1).min(-1)
    rows, columns = np.nonzero(strange > 0.5 * strange.max())
    return float(np.median(columns)) / image.width, float(np.median(rows)) / image.height
