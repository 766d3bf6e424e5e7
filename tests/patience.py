"""How long any test waits for what must come: the machine may be busy with other things; no test measures time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 180


def wait_until(holds: Callable[[], object]) -> None:
    """Ask again and again until it holds, which it must within `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)
