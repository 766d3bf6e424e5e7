"""Tabs of the browser that are used again: to load the page into one that showed it before takes half of the work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, Page

_IDLE: WeakKeyDictionary[Browser, defaultdict[str, list[Page]]] = WeakKeyDictionary()
_KEPT = "local_storage,indexeddb,cache_storage,service_workers"
"""What a page leaves in the browser, but for cookies and what lasts as long as its tab."""


@contextmanager
def borrowed_tab(chrome: Browser, address: str, options: dict[str, Any]) -> Iterator[Page]:
    """
    A tab whose storage and cookies are empty, as in a browser that has never been at this address.

    Args:
        options: as for `Browser.new_context`; only a tab of the same options is used again.
    """
    idle = _IDLE.setdefault(chrome, defaultdict(list))[repr(sorted(options.items()))]
    page = idle.pop() if idle else chrome.new_context(**options).new_page()
    is_whole = False
    try:
        yield page
        if not page.is_closed():
            _leave(page, address)
            is_whole = True
    finally:
        if is_whole:
            idle.append(page)
        else:
            page.context.close()


def _leave(page: Page, address: str) -> None:
    """
    End what the page does, then empty its storage: while its scripts run they may write there. The server itself gives
    the empty page: a route of Playwright's would make the browser forget the scripts that it holds.
    """
    context = page.context
    for other in context.pages:
        if other is not page:
            other.close()
    context.set_offline(False)
    context.clear_permissions()
    page.unroute_all(behavior="ignoreErrors")
    page.goto(urljoin(address, "nothing-is-here"))
    page.evaluate("sessionStorage.clear()")
    storage = context.new_cdp_session(page)
    storage.send("Storage.clearDataForOrigin", {"origin": page.evaluate("origin"), "storageTypes": _KEPT})
    storage.detach()
    context.clear_cookies()
