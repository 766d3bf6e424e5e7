"""Answers of the server that come when a test says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route

from tests.patience import settled


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
        answers.append(route.fetch())

    def let_come() -> None:
        while not answers:
            page.wait_for_timeout(10)
        with page.expect_event("requestfinished", lambda request: request == held[0].request):
            held[0].fulfill(response=answers[0])
        settled(page, "() => new Promise(requestAnimationFrame)")

    address = re.compile(rf"/diorama/{re.escape(path)}(\?.*)?$")
    page.route(address, keep)
    yield let_come
    page.unroute(address, keep)
