"""Answers of the server that come when a test says so."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route

from tests.patience import PATIENCE_SECONDS, settled


@contextmanager
def late(page: Page, path: str) -> Iterator[Callable[[], None]]:
    """The first answer of a route of ours is made at once, and comes when this is called; the others come at once.

    Args:
        path: of the route, below `diorama/`.
    """
    held: list[Route] = []
    answers = []

    def keep(route: Route) -> None:
        if held:
            route.fallback()
            return
        held.append(route)
        answers.append(route.fetch(max_retries=3))  # the server may be closing the connection that is used

    def let_come() -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers:
            assert time.monotonic() < deadline, f"{path} was not answered"
            page.wait_for_timeout(10)
        with page.expect_event("requestfinished", lambda request: request == held[0].request):
            held[0].fulfill(response=answers[0])
        settled(page, "() => new Promise(requestAnimationFrame)")

    address = re.compile(rf"/diorama/{re.escape(path)}(\?.*)?$")
    page.route(address, keep)
    yield let_come
    page.unroute(address, keep)
