"""Time until the quick page accepts prompts, in a real browser, on the first and on later visits.

Run `python -m benchmarks.quick_page`. The time is from navigation until the models are listed; server and browser share
this machine, as at home.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from playwright.sync_api import Browser, BrowserContext

import app
from benchmarks.in_browser import print_measured
from benchmarks.options import options_of
from benchmarks.table import Row
from tests.ports import free_port
from ui import page

ROUNDS = 9
_READY = "document.querySelector('#model option')"


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    rounds = options_of(__doc__, arguments, rounds=ROUNDS).rounds
    print_measured("The quick page, from navigation until it accepts prompts", lambda browser: measure(browser, rounds))


def measure(browser: Browser, rounds: int) -> list[Row]:
    """The rows for this many new browsers, and as many returning ones."""
    cold, warm = [], []
    with served_here() as address:
        for _ in range(rounds):
            context = browser.new_context()
            cold.append(opened(context, f"{address}quick"))
            warm.append(opened(context, f"{address}quick"))
            context.close()
    return [
        Row("first visit", statistics.median(cold), rounds, "<= 0.5", "s"),
        Row("again", statistics.median(warm), rounds, "<= 0.5", "s"),
    ]


@contextmanager
def served_here() -> Iterator[str]:
    """Serve Diorama with the models of this machine and an empty folder; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        options = app.parse(["--port", str(free_port()), "--outputs", folder])
        machine = app.inspect()
        with closing(app.open_studio(options.outputs, machine)) as studio:
            demo, launched = app.build(studio, options, machine)
            _, address, _ = demo.launch(**launched, prevent_thread_lock=True, quiet=True)
            try:
                yield address
            finally:
                page.close(demo)


def opened(context: BrowserContext, address: str) -> float:
    """Seconds until the page is ready."""
    tab = context.new_page()
    began = time.perf_counter()
    tab.goto(address, wait_until="commit")
    tab.wait_for_function(_READY)
    seconds = time.perf_counter() - began
    tab.close()
    return seconds


if __name__ == "__main__":
    main(sys.argv[1:])
