"""Measurements in a real Chromium, and the real app for them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.table import Row, print_table
from tests import browser as chromium
from tests.app_process import AppProcess
from tests.patience import PATIENCE_SECONDS


def print_measured(title: str, measure: Callable[[Browser], Sequence[Row]]) -> None:
    """Print a table of what is measured in a browser, or that there is none."""
    path = chromium.find()
    if path is None:
        print(f"\n{title}: no Chromium here, nothing was measured (python -m tests.browser --install).")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        try:
            rows = measure(browser)
        finally:
            browser.close()
    print_table(title, rows)


@contextmanager
def opened_app(
    browser: Browser, prepare: Callable[[Path], None] = lambda _outputs: None
) -> Iterator[tuple[Page, Path]]:
    """The page of an app in another process, once its script runs, and the app's outputs folder.

    Args:
        prepare: fills the folder before the app opens it.
    """
    with tempfile.TemporaryDirectory() as outputs:
        prepare(Path(outputs))
        app = AppProcess(Path(outputs))
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(1000 * PATIENCE_SECONDS)
            page.goto(app.url)
            page.locator("#stage .scene[data-told]").wait_for(state="attached")
            yield page, Path(outputs)
        finally:
            app.stop()
