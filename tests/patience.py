"""How long any test waits for what must come: the machine may be busy with other things; no test measures time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_SECONDS = 180


def wait_until(holds: Callable[[], object]) -> None:
    """Ask again and again until it holds, which it must within `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


def settled(page: Page, script: str, arg: object = None) -> Any:
    """What a function of JavaScript answers once its promise is kept, for which `Page.evaluate` would wait forever."""
    kept = f"async (arg) => [await ({script})(arg)]"
    return page.wait_for_function(kept, arg=arg, timeout=1000 * PATIENCE_SECONDS).json_value()[0]
