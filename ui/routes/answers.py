"""How our routes answer: JSON in and out for an identified owner, and every error as a message with its status."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette._utils import get_route_path
from starlette.requests import ClientDisconnect

from studio.errors import (
    BadPicture,
    BadRequest,
    BadSplat,
    NotFound,
    OverBudget,
    StorageFailed,
    StudioError,
    Superseded,
    TooLarge,
    TooManyJobs,
    TooOften,
)
from studio.service import Studio
from ui.routes.visitors import NotAdmitted, Visitors
from ui.shared.pictures import Answer

log = logging.getLogger(__name__)

THREADS = 128
"""Handlers that may wait at once: twice as many as clicks may wait (`click_queue.MAX_WAITING`)."""
Handler = Callable[..., Any]
"""`handler(studio, owner, values) -> answer`; an `async` one also gets the request."""

_STATUSES = (
    (NotAdmitted, 401),
    (OverBudget, 402),
    (NotFound, 404),
    (Superseded, 409),
    (TooLarge, 413),
    (TooOften, 429),
    (TooManyJobs, 429),
    (StorageFailed, 507),
    (Exception, 400),  # NotReady too, as 503 would promise that waiting helps
)


def json_router(
    studio: Studio, visitors: Visitors, handlers: Mapping[str, Handler], example: str = '{"id": "..."}'
) -> APIRouter:
    """A route for each handler: `POST /diorama/PATH` with a JSON object and the browser's token in its header.

    Args:
        handlers: by the path of their route.
        example: shown to clients that send something else.
    """
    return admitted_router(visitors.sender, {path: partial(one, studio) for path, one in handlers.items()}, example)


def admitted_router(admit: Callable[[Request], Any], handlers: Mapping[str, Handler], example: str) -> APIRouter:
    """The same for handlers without a studio; `admit` returns the owner of a request, or refuses it."""
    routes = APIRouter(prefix="/diorama")
    for path, handler in handlers.items():
        answer = _answering(admit, handler, example)
        routes.add_api_route(f"/{path}", answer, methods=["POST"], response_model=None)
    return routes


def _answering(admit: Callable[[Request], Any], handler: Handler, example: str) -> Callable[..., Any]:
    async def answer(request: Request) -> Response:
        owner = admit(request)
        values = values_in(await request.body(), example)
        if inspect.iscoroutinefunction(handler):  # holds no thread while it waits
            return JSONResponse(await handler(owner, values, request))
        return JSONResponse(await asyncio.to_thread(handler, owner, values))

    return answer


def values_in(body: bytes, example: str) -> Answer:
    """The values of a JSON object. Other input is not repeated, as it may be a key."""
    try:
        values = with_whole_letters(json.loads(body))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise BadRequest(f"Send a JSON object, such as {example}.")
    return values


def with_whole_letters(values: Any) -> Any:
    """The values without lone surrogates, which JSON can express but files and answers cannot contain."""
    return json.loads(json.dumps(values, ensure_ascii=False).encode(errors="ignore"))


def status_of(error: Exception) -> int:
    """The HTTP status of one of our errors, for our page and for programs alike."""
    if isinstance(error, BadPicture | BadSplat) and isinstance(error.__cause__, FileNotFoundError):
        return 404  # it moved to the trash between two looks at it
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """For `app_kwargs`: asyncio itself has six threads on two cores, which six waiting clicks would take."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="answer"))
    yield


async def refused(request: Request, error: Exception) -> Response:
    """The response to a request that failed with one of our errors."""
    if isinstance(error, OverBudget):  # the page asks, and repeats it with the cost confirmed
        return JSONResponse({"error": error.reason, "confirm": True}, 402)
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooOften) else None
    status = 503 if isinstance(error, StorageFailed) and request.method == "GET" else status_of(error)
    return JSONResponse({"error": str(error)}, status, headers)


async def broken_off(_request: Request, _error: Exception) -> Response:
    """The response if the client disconnected; nobody will read it."""
    log.info("A request was broken off; what had arrived of it is removed.")
    return Response(status_code=400)


async def vanished(request: Request, error: Exception) -> Response:
    """The response if a file moved to the trash between two looks at it; gradio's own errors go to the log."""
    if not get_route_path(request.scope).startswith("/diorama/"):
        raise error
    return JSONResponse({"error": "This is not there any more. Reload the page."}, 404)


HANDLERS = {StudioError: refused, ClientDisconnect: broken_off, FileNotFoundError: vanished}
"""For `Blocks.launch(app_kwargs={"exception_handlers": ...})`."""
