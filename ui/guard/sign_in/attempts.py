"""Signing in: rate-limits guessing, and recognises a visitor who arrives through a foreign link."""

from __future__ import annotations

import math

from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.guard.answers import refusal
from ui.guard.bodies import again, whole
from ui.guard.routes import is_admitted
from ui.guard.sign_in.guesses import Guesses

_ONCE_MORE = '<!doctype html><html lang="en"><title>Diorama</title><meta http-equiv="refresh" content="0"></html>'


class SignIn:
    """Passes a guess on to gradio, which knows the passwords, or says how long to wait.

    The address is that of the connection; uvicorn takes it from X-Forwarded-For behind a proxy on this machine.
    """

    def __init__(self, app: ASGIApp, guesses: Guesses) -> None:
        self._app, self._guesses = app, guesses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and get_route_path(scope).rstrip("/") == "/login":
            await self._guess(scope, receive, send)
        elif scope["type"] == "http" and _comes_by_a_link(scope):
            await HTMLResponse(_ONCE_MORE)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guess(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole(receive)
        if body is None:
            return
        address = (scope.get("client") or ("",))[0]
        name, password = await _said(scope, again(body, receive))
        if not name.strip() or not password:  # no guess, just Enter pressed too early
            await refusal(422, "Enter a name and a password.")(scope, receive, send)
            return
        seconds = math.ceil(self._guesses.admit(address, name))
        if seconds > 0:
            sentence = f"Too many wrong passwords. Wait {seconds} second{'s' * (seconds > 1)}, then try again."
            await refusal(429, sentence, {"Retry-After": str(seconds)})(scope, receive, send)
            return

        async def send_and_see(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._guesses.right(address, name)
            await send(message)

        await self._app(scope, again(body, receive), send_and_see)


def _comes_by_a_link(scope: Scope) -> bool:
    """Whether a person came from a foreign page and may be signed in: strict cookies are not sent then."""
    is_foreign = Headers(scope=scope).get("sec-fetch-site") in ("cross-site", "same-site")
    return scope["method"] == "GET" and get_route_path(scope) in ("", "/") and is_foreign and not is_admitted(scope)


async def _said(scope: Scope, receive: Receive) -> tuple[str, str]:
    """Name and password in the form, parsed like gradio does; "" if missing."""
    try:
        async with Request(dict(scope), receive).form(max_files=0) as form:
            said = [form.get(field) for field in ("username", "password")]
    except HTTPException:  # not a form
        return "", ""
    name, password = (one if isinstance(one, str) else "" for one in said)
    return name, password
