"""Signing in with an external account over HTTP, by redirects, and signing out.

The provider's redirect is a navigation from a foreign page; `guard.origins` allows exactly that one.
"""

from __future__ import annotations

import asyncio
import html
import os
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from studio.errors import StudioError
from ui.guard.origins import SIGNED_IN
from ui.guard.sign_in.people import SESSION, SIGNING_IN, People
from ui.routes.visitors import Visitors, root_of

_MINUTES = 10
"""To sign in."""
_UNSEEN = {"Cache-Control": "no-store"}
_FAILED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<title>Diorama</title><body style="font: 1rem system-ui; margin: 2rem"><p>{sentence}</p>'
    '<p><a href="{root}/">Back to Diorama</a></p></html>'
)


def router(visitors: Visitors, people: People) -> APIRouter:
    """GET /diorama/sign-in and /diorama/sign-in/done, POST /diorama/sign-out, for `Blocks.launch`."""
    routes = APIRouter()

    @routes.get("/diorama/sign-in")
    def begin(request: Request) -> Response:
        address, cookie = people.begin(_redirect_uri(request))
        return _sent(address, _cookie(request, SIGNING_IN, cookie, 60 * _MINUTES))

    @routes.get(SIGNED_IN)
    async def finish(request: Request) -> Response:
        said = request.query_params
        cookie = request.cookies.get(SIGNING_IN, "")
        try:
            session, seconds = await asyncio.to_thread(
                people.finish, cookie, said.get("state", ""), said.get("code", ""), _redirect_uri(request)
            )
        except StudioError as error:
            page = _FAILED.format(sentence=html.escape(str(error)), root=html.escape(root_of(request)))
            return HTMLResponse(page, 400, headers=_UNSEEN)
        forgotten = _cookie(request, SIGNING_IN, "", 0)
        return _sent(f"{root_of(request)}/", _cookie(request, SESSION, session, int(seconds)), forgotten)

    @routes.post("/diorama/sign-out")
    def sign_out(request: Request) -> Response:
        visitors.sender(request)
        people.sign_out(request.cookies)
        return Response(status_code=204, headers={"Set-Cookie": _cookie(request, SESSION, "", 0)})

    return routes


def _redirect_uri(request: Request) -> str:
    """Where the provider sends the browser back to: on a Space its own host, which is registered there."""
    host = os.environ.get("SPACE_HOST", "").partition(",")[0].strip()
    return f"https://{host}{SIGNED_IN}" if host else f"{root_of(request)}{SIGNED_IN}"


def _cookie(request: Request, name: str, value: str, seconds: int) -> str:
    """A Set-Cookie header; `guard.headers` adds the attributes."""
    return f"{name}={value}; Path={urlsplit(root_of(request)).path or '/'}; Max-Age={seconds}"


def _sent(address: str, *cookies: str) -> Response:
    answer = RedirectResponse(address, 303, headers=_UNSEEN)
    for cookie in cookies:
        answer.headers.append("Set-Cookie", cookie)
    return answer
