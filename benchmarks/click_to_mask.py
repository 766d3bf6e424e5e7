"""From a click on a picture in the Segment tab to its mask on the page, over loopback.

Run `python -m benchmarks.click_to_mask`. It uses the real app with the toy SAM in another process, a real Chromium, and
a 1024 x 1024 picture that is already open. Needs a Chromium (`python -m tests.browser --install`).
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.click_to_picture import FLAGS
from benchmarks.segment import SIDE, picture
from benchmarks.table import Row, median_ms, print_table
from tests import browser as chromium
from tests.app_process import AppProcess
from tests.patience import PATIENCE_SECONDS

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args(arguments).rounds
    path = chromium.find()
    if path is None:
        print("\nClick to mask: no Chromium here, nothing was measured (python -m tests.browser --install).")
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = AppProcess(Path(folder) / "outputs")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            rows = measure(browser, app.url, Path(folder), rounds)
        finally:
            browser.close()
            app.stop()
    print_table(f"Click to mask on the page, toy SAM, {SIDE} x {SIDE}", rows)


def measure(browser: Browser, address: str, folder: Path, rounds: int) -> list[Row]:
    """Time the first click, which loads the model and embeds the picture, and the others."""
    page = opened(browser, address, folder)
    chance = random.Random(1)
    times = [click(page, chance) for _ in range(rounds + 1)]
    return [
        Row("the first click: model, picture, mask", 1000 * times[0], 1, unit="ms"),
        median_ms("a click to its mask, p50", times[1:], "<= 100 ms, idle"),
    ]


def opened(browser: Browser, address: str, folder: Path) -> Page:
    """The Segment tab with the picture open."""
    picture().save(folder / "picture.png")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(1000 * PATIENCE_SECONDS)
    page.goto(address)
    page.locator("#stage .scene[data-told]").wait_for(state="attached")
    page.get_by_role("tab", name="Segment").click()
    with page.expect_file_chooser() as chooser:
        page.locator("#segment .open-file").click()
    chooser.value.set_files(folder / "picture.png")
    page.locator("#segment .board").wait_for(state="visible")
    page.wait_for_function("document.querySelector('#segment .subject .title').textContent")
    return page


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
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main(sys.argv[1:])
