"""CPU use of the theme Stardust on an idle page, compared with the same page without it, in a real browser.

Run `python -m benchmarks.stardust`. All processes of the browser are counted, including the compositor: without a GPU,
frames are rendered on the CPU, which is the worst case.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from playwright.sync_api import Browser

from benchmarks.in_browser import print_measured
from benchmarks.options import options_of
from benchmarks.quick_page import served_here
from benchmarks.start_up import cpu_seconds
from benchmarks.table import Row

SECONDS = 30.0
_SETTLED = 8  # seconds until a new page is idle


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    seconds = options_of(__doc__, arguments, seconds=SECONDS).seconds
    print_measured("An idle page, of one core", lambda browser: measure(browser, seconds))


def measure(browser: Browser, seconds: float) -> list[Row]:
    """The page without the theme and with it."""
    with served_here() as address:
        plain, starry = (idle(browser, address, look, seconds) for look in ("", "stardust"))
    rows = [Row("page without it", plain, 1), Row("page with it", starry, 1)]
    return [*rows, Row("Stardust", starry - plain, 1, "<= 2 %")]


def idle(browser: Browser, address: str, look: str, seconds: float) -> float:
    """The share of a core that the browser uses."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(f"localStorage.setItem('diorama-look', '{look}')")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#stage .scene[data-told]")
    time.sleep(_SETTLED)
    before, began = _children(), time.perf_counter()
    time.sleep(seconds)
    taken = (_children() - before) / (time.perf_counter() - began)
    context.close()
    return taken


def _children() -> float:
    """CPU seconds of all child processes."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found = [os.getpid()]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return sum(cpu_seconds(process) or 0.0 for process in found[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
