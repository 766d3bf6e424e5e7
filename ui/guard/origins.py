"""Who may send requests: the page itself and programs, never another site that the visitor has open.

Browsers say where a request comes from, in headers that no page can change: `Sec-Fetch-Site` (over https and on this
machine) and `Origin` (with everything but plain GETs). Programs send neither, and have no visitor's cookie.
https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.guard.answers import refusal

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"(?P<name>[\w.-]+|\[[0-9a-fA-F:.]+\])(:(?P<port>\d{1,5}))?", re.ASCII)
SIGNED_IN = "/diorama/sign-in/done"
"""Where a provider redirects after sign-in."""
_BY_LINK = ("", "/", SIGNED_IN)
"""Paths that foreign pages may link to."""
_DOCUMENTS = ("document",)
_EMBEDDED = ("document", "iframe")  # a Space is framed by huggingface.co


class Origins:
    """Refuses requests from foreign pages, and those not addressed to this app.

    Args:
        app: the next application.
        local_only: accept only requests addressed to this machine by name. Otherwise a foreign page could point its own
            host name at 127.0.0.1 (DNS rebinding) and pass for the app's own page.
        hosts: more host names of the app, such as that of a reverse proxy.
        embedded: whether a foreign page may frame the front page.
    """

    def __init__(self, app: ASGIApp, *, local_only: bool, hosts: Collection[str] = (), embedded: bool = False) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}
        self._addressed = {*LOCAL_HOSTS, *self._hosts} if local_only else None
        self._destinations = _EMBEDDED if embedded else _DOCUMENTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            if not self._is_addressed(host):
                sentence = f"This Diorama is not called '{host:.80}'. Its owner can allow the name with --allow-host."
                await refusal(400, sentence)(scope, receive, send)
                return
            if not self._is_own(scope, headers):
                sentence = "Diorama takes requests from its own page only. Open its page, or call it from a program."
                await refusal(403, sentence)(scope, receive, send)
                return
            _forget_false_names(scope)
        await self._app(scope, receive, send)

    def _is_addressed(self, host: str) -> bool:
        known = _HOST.fullmatch(host)
        return known is not None and (
            self._addressed is None or bool(self._addressed & {host.lower(), known["name"].lower()})
        )

    def _is_own(self, scope: Scope, headers: Headers) -> bool:
        """Whether the request comes from the app's own page, a program, or a person following a link to the page."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site in ("same-origin", "none"):
            return True
        if site is None:  # a program, or a browser that does not say
            return origin is None or self._is_own_origin(origin, headers)
        return (
            scope["method"] in ("GET", "HEAD")
            and get_route_path(scope) in _BY_LINK
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") in self._destinations
        )

    def _is_own_origin(self, origin: str, headers: Headers) -> bool:
        scheme, _, place = origin.lower().partition("://")
        known = _HOST.fullmatch(place)
        if scheme not in ("http", "https") or known is None:
            return False
        names = {headers.get("host", "").lower(), *_forwarded(headers), *self._hosts}
        return place in names or known["name"] in self._hosts


def _forwarded(headers: Headers) -> list[str]:
    """The app's host names according to proxies. No page can set this header."""
    return [name.strip().lower() for name in headers.get("x-forwarded-host", "").split(",") if name.strip()]


def _forget_false_names(scope: Scope) -> None:
    """Gradio builds addresses from these headers, and would crash on invalid host names."""
    headers = MutableHeaders(scope=scope)
    del headers["x-gradio-server"]  # for its Node server, which is not used
    if not all(_HOST.fullmatch(name) for name in _forwarded(headers)):
        del headers["x-forwarded-host"]
