"""From a click on a splat of 65,536 Gaussians in the 3D tab to its first frame, over loopback.

Run `python -m benchmarks.open_splat`. It uses the real app in another process and a real Chromium, which draws without
a GPU. Needs a Chromium (`python -m tests.browser --install`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.in_browser import opened_app, print_measured
from benchmarks.options import options_of
from benchmarks.table import Row, median_ms
from studio.service import Studio
from studio.splats.formats.ply import write_ply
from tests.studio.turning_fake import ball

SPLATS, ROUNDS = 65_536, 10
# From the click until the sorted splat has been painted.
_OPEN = """tile => new Promise((done) => {
  const shows = document.querySelector("#splat .turntable").dataset.shows, began = performance.now();
  tile.click();
  const look = () => {
    const now = document.querySelector("#splat .turntable").dataset;
    if (now.shows && now.shows !== shows && now.settled === "yes") setTimeout(() => done(performance.now() - began));
    else requestAnimationFrame(look);
  };
  look();
})"""


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, rounds=ROUNDS, splats=SPLATS)
    title = f"Opening a splat of {options.splats:,}, from the click to the frame"
    print_measured(title, lambda browser: measure(browser, options.rounds, options.splats))


def measure(browser: Browser, rounds: int, count: int) -> list[Row]:
    """Open two splats in turn; every time the other one."""
    with opened_app(browser, partial(fill, count=count)) as (page, _):
        page.get_by_role("tab", name="3D").click()
        tiles = page.locator("#splat .splats .tile")
        tiles.nth(1).wait_for()
        seconds = [tiles.nth(number % 2).evaluate(_OPEN) / 1000 for number in range(rounds + 2)]
    return [median_ms("a click to the first frame, p50", seconds[2:], "<= 500 ms, idle")]


def fill(outputs: Path, count: int) -> None:
    """Two balls of so many Gaussians."""
    with closing(Studio([], outputs)) as studio:
        for name, radius in (("small", 0.4), ("large", 0.5)):
            studio.splats.take_in("local", write_ply(ball(count, radius)), name)


if __name__ == "__main__":
    main(sys.argv[1:])
