"""Who sends a request, for every route and endpoint: the one place that decides whose files it may read.

A browser keeps a random token. Its page sends it in a header with every change. Images and downloads have no header:
for them `POST /diorama/visit` sets a cookie that can only read files. A program gets links, each signed for one file
and an hour. If the app requires sign-in, the signed-in user counts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit

import gradio as gr
from fastapi import APIRouter, Request
from fastapi.responses import Response
from gradio.context import LocalContext
from gradio.route_utils import get_root_url
from starlette.datastructures import QueryParams

from studio.errors import BadRequest, StudioError
from ui.guard.rates import Rate
from ui.shared.bridge import Identify, signed_in

TOKEN_HEADER = "X-Diorama-Token"
LINK_SECONDS = 3_600
"""Validity of a signed link."""


class NotAdmitted(StudioError):
    """The sender of a request is unknown."""


@dataclass(frozen=True)
class Caller:
    """Who calls an endpoint."""

    owner: str
    link: Callable[[str], str]
    """Turns an address relative to the page into one that works anywhere, for LINK_SECONDS."""


class Visitors:
    """Identifies the owners of requests."""

    def __init__(
        self, identify: Identify, key: bytes, now: Callable[[], float] = time.time, rate: Rate | None = None
    ) -> None:
        """
        Args:
            identify: (request, the browser's token or "") -> owner; raises BadRequest if a required token is invalid.
            key: signs cookies and links.
            now: Unix time, seconds.
            rate: how often an owner may ask for anything but a file; None: unlimited.
        """
        self._rate, self._counting = rate, threading.Lock()
        self._identify, self._key, self._now = identify, key, now
        # Browsers send cookies to every port of a host, so the name must differ between two Dioramas.
        self._cookie = f"diorama-visitor-{self._signature('cookie')[:8]}"

    def sender(self, request: Request) -> str:
        """The owner for whom a request acts. The header is required even when empty: a foreign page that sets one
        triggers a preflight request, which is refused.

        Raises:
            NotAdmitted: it comes from a foreign page, or from an unknown sender.
        """
        token = request.headers.get(TOKEN_HEADER)
        if token is None:
            raise NotAdmitted(f"Diorama answers its own page only. Programs send the header {TOKEN_HEADER}.")
        try:
            return self._counted(self._identified(request, token, "add pictures"))
        except BadRequest as error:
            raise NotAdmitted(str(error)) from error

    def reader(self, request: Request, address: str) -> str:
        """The owner whose file a request may read.

        Args:
            address: of the file, relative to the page.

        Raises:
            NotAdmitted: from an unknown sender, or through a link that has expired or is for another file.
        """
        if "signature" in request.query_params:
            return self._of_link(request.query_params, address)
        token = request.headers.get(TOKEN_HEADER, "")
        try:
            return self._identified(request, token, "see this")
        except BadRequest as error:
            owner = None if token else self._of_cookie(request)
            if owner is None:
                raise NotAdmitted("Only its owner can see this. Open Diorama's page in this browser first.") from error
            return owner

    def caller(self, request: gr.Request | None, token: str) -> Caller:
        """The caller of an API endpoint.

        Raises:
            BadRequest: the token is required and invalid.
            TooOften: also for `sender`.
        """
        if request is None or request.request is None:
            raise ValueError("Gradio did not hand over the request")
        return self.caller_as(request.request, self._counted(self._identify(request, token)))

    def caller_as(self, request: Request, owner: str) -> Caller:
        """The caller of a request whose owner is known."""
        return Caller(owner, lambda address: f"{root_of(request)}/{self._signed(owner, address)}")

    def anybody(self, request: Request) -> str | None:
        """The owner of a request that does not say who sends it; None: that is required here."""
        if request.app.auth is not None:
            return None
        try:
            return self._identify(gr.Request(request), "")
        except BadRequest:
            return None

    def cookie(self, request: Request) -> str:
        """The Set-Cookie header that lets this browser read its owner's files; `guard.headers` adds the attributes.

        Raises:
            NotAdmitted: see `sender`.
        """
        owner = self.sender(request)
        value = f"{quote(owner, safe='')}.{self._signature('cookie', owner)}"
        return f"{self._cookie}={value}; Path={urlsplit(root_of(request)).path or '/'}"

    def _counted(self, owner: str) -> str:
        if self._rate is not None:
            with self._counting:
                self._rate.demand(owner)
        return owner

    def _identified(self, request: Request, token: str, purpose: str) -> str:
        LocalContext.request.set(
            gr.Request(request)
        )  # tells ZeroGPU whose quota to use; gradio sets it for its own events
        user = signed_in(request)
        if request.app.auth is not None and user is None:
            raise NotAdmitted(f"Sign in to {purpose}.")
        return self._identify(gr.Request(request, username=user), token)

    def _of_cookie(self, request: Request) -> str | None:
        quoted, _, signature = request.cookies.get(self._cookie, "").rpartition(".")
        owner = unquote(quoted)
        return owner if self._is_right(signature, "cookie", owner) else None

    def _signed(self, owner: str, address: str) -> str:
        expires = str(int(self._now()) + LINK_SECONDS)
        said = {"owner": owner, "expires": expires, "signature": self._signature("link", owner, address, expires)}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(said)}"

    def _of_link(self, query: QueryParams, address: str) -> str:
        owner, expires, signature = (query.get(name, "") for name in ("owner", "expires", "signature"))
        if not self._is_right(signature, "link", owner, address, expires):
            raise NotAdmitted("Diorama did not give out this link for this file. Ask for the file again.")
        if self._now() > int(expires):
            raise NotAdmitted("This link has expired: links work for an hour. Ask for the file again.")
        return owner

    def _signature(self, *parts: str) -> str:
        return hmac.new(self._key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()

    def _is_right(self, signature: str, *parts: str) -> bool:
        return hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(*parts).encode())


def router(visitors: Visitors) -> APIRouter:
    """POST /diorama/visit, for `Blocks.launch(app_kwargs={"routes": ...})`: a page has loaded, and sends its token."""
    routes = APIRouter(prefix="/diorama")

    @routes.post("/visit")
    def visit(request: Request) -> Response:
        return Response(status_code=204, headers={"Set-Cookie": visitors.cookie(request)})

    return routes


def root_of(request: Request) -> str:
    """The app's public address according to gradio: scheme, host, and path without a trailing slash."""
    return get_root_url(request, request.url.path, request.app.root_path)
