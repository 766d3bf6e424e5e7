"""A test that hangs ends its worker, and says where it stood: Playwright's tests stand in greenlets, not in threads."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from greenlet import greenlet

LIMIT_SECONDS = 600.0
"""More than three waits of `tests.patience`, one after the other."""


@contextmanager
def watched(item: pytest.Item, limit_seconds: float = LIMIT_SECONDS) -> Iterator[None]:
    """End this process with status 1 if the test takes longer; xdist then fails it and starts another worker."""
    watch = threading.Timer(limit_seconds, _end, [item])
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _end(item: pytest.Item) -> None:
    item.config.pluginmanager.getplugin("capturemanager").suspend_global_capture()
    print(f"\n{item.nodeid} hangs:\n{_stacks()}", file=sys.__stderr__, flush=True)
    os._exit(1)


def _stacks() -> str:
    """Where each thread is, then each greenlet that waits for another one."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = {f"thread {names.get(ident)}": frame for ident, frame in sys._current_frames().items()}
    waiting = [one for one in gc.get_objects() if isinstance(one, greenlet) and one.gr_frame]
    frames |= {f"greenlet {index}": one.gr_frame for index, one in enumerate(waiting)}
    return "\n".join(f"--- {name}\n{''.join(traceback.format_stack(frame))}" for name, frame in frames.items())
