"""From a click on a picture in the Segment tab to its mask on the page, over loopback.

Run `python -m benchmarks.click_to_mask`. It uses the real app with the toy SAM in another process, a real Chromium, and
a 1024 x 1024 picture that is already open. Needs a Chromium (`python -m tests.browser --install`).
"""

from __future__ import annotations

import io
import os

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded, as app.py does

import random
import sys
from collections.abc import Sequence

from playwright.sync_api import Browser, Page

from benchmarks.in_browser import opened_app, print_measured
from benchmarks.options import options_of
from benchmarks.segment import SIDE, picture
from benchmarks.table import Row, median_ms

ROUNDS = 15
# From the release of the mouse button until the frame with this click's mask has been painted.
_WAIT = """() => {
  const board = document.querySelector("#segment .board");
  let began = 0;
  window.masked = 0;
  board.addEventListener("pointerup", () => { began = performance.now(); }, { capture: true, once: true });
  const watcher = new MutationObserver(() => {
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.masked = (performance.now() - began) / 1000; }));
  });
  watcher.observe(board, { attributes: true, attributeFilter: ["data-number"] });
}"""


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    rounds = options_of(__doc__, arguments, rounds=ROUNDS).rounds
    title = f"Click to mask on the page, toy SAM, {SIDE} x {SIDE}"
    print_measured(title, lambda browser: measure(browser, rounds))


def measure(browser: Browser, rounds: int) -> list[Row]:
    """Time the first click, which loads the model and embeds the picture, and the others."""
    chance = random.Random(1)
    with opened_app(browser) as (page, _):
        open_picture(page)
        times = [click(page, chance) for _ in range(rounds + 1)]
    return [
        Row("the first click: model, picture, mask", 1000 * times[0], 1, unit="ms"),
        median_ms("a click to its mask, p50", times[1:], "<= 100 ms, idle"),
    ]


def open_picture(page: Page) -> None:
    """Open the picture in the Segment tab."""
    file = io.BytesIO()
    picture().save(file, "PNG")
    page.get_by_role("tab", name="Segment").click()
    with page.expect_file_chooser() as chooser:
        page.locator("#segment .open-file").click()
    chooser.value.set_files({"name": "picture.png", "mimeType": "image/png", "buffer": file.getvalue()})
    page.locator("#segment .board").wait_for(state="visible")
    page.wait_for_function("document.querySelector('#segment .subject .title').textContent")


def click(page: Page, chance: random.Random) -> float:
    """Seconds from a random click to its mask, with nothing selected before."""
    board = page.locator("#segment .board")
    place = board.bounding_box()
    assert place
    if page.locator("#segment .clear").is_enabled():
        page.locator("#segment .clear").click()
    page.evaluate(_WAIT)
    middle = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    reach = min(place["width"], place["height"]) / 3
    page.mouse.click(*(at + chance.uniform(-reach, reach) for at in middle))
    return page.wait_for_function("window.masked").json_value()


if __name__ == "__main__":
    main(sys.argv[1:])
