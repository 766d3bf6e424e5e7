"""The quick page over HTTP: the page itself, and what a browser needs to install it, the same for everybody."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response

from ui import quick

PATH = "/quick"
_ASK_FIRST = {"Cache-Control": "no-cache"}


def router() -> APIRouter:
    """GET /quick, /diorama/quick/manifest.json and /diorama/quick/worker.js, for
    `Blocks.launch(app_kwargs={"routes": ...})`.
    """
    routes = APIRouter()
    page, manifest, worker = quick.document(), quick.manifest(), quick.worker()

    @routes.get(PATH)
    def look() -> Response:
        return HTMLResponse(page, headers=_ASK_FIRST)

    @routes.get("/diorama/quick/manifest.json")
    def installed() -> Response:
        return JSONResponse(manifest, headers=_ASK_FIRST, media_type="application/manifest+json")

    @routes.get("/diorama/quick/worker.js")
    def kept() -> Response:  # a worker's scope is its own folder by default
        headers = _ASK_FIRST | {"Service-Worker-Allowed": "../../quick"}
        return Response(worker, media_type="text/javascript", headers=headers)

    return routes
