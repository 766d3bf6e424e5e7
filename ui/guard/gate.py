"""In front of gradio's endpoints: checks calls, and corrects gradio's responses to invalid ones."""

from __future__ import annotations

import json
import logging
import re

from gradio.queueing import Queue
from starlette._utils import get_route_path
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.errors import StudioError
from ui.guard import calls
from ui.guard.answers import refusal
from ui.guard.bodies import again, whole
from ui.guard.limits import FORM_UPLOAD
from ui.shared.bridge import BROKEN

log = logging.getLogger(__name__)

_DIRECT = re.compile(r"/gradio_api/(?:run|api)/[^/]+")
_RESULT = re.compile(r"/gradio_api/call/(?:v2/)?[^/]+/(?P<event>[^/]+)")
_QUEUE = "/gradio_api/queue/data"
_GONE = "No call with this id is waiting for its result here. It may have been fetched before: call again."
_NO_FORM = "This is not a form with a file in it. Send multipart/form-data, and each file under the name files."


class Calls:
    """Refuses calls that no endpoint can answer, before gradio sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = get_route_path(scope).rstrip("/")
        result = _RESULT.fullmatch(path)
        if scope["method"] == "POST" and calls.is_call(path):
            await self._call(path, scope, receive, send)
        elif scope["method"] == "GET" and (result or path == _QUEUE):
            await self._result(result["event"] if result else None, scope, receive, send)
        elif scope["method"] == "POST" and path == FORM_UPLOAD:
            await self._upload(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _call(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole(receive)
        if body is None:
            return
        try:
            kind = Headers(scope=scope).get("content-type", "")
            body = calls.check(scope["app"].get_blocks(), path, kind, body)
        except StudioError as error:
            status = 404 if isinstance(error, calls.Unknown) else 400 if isinstance(error, calls.Unreadable) else 422
            await refusal(status, str(error))(scope, receive, send)
            return
        await self._app(scope, again(body, receive), _refusing(send) if _DIRECT.fullmatch(path) else send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio parses the form, and crashes on parts that are not files or have a wrong content type."""
        try:
            await self._app(scope, receive, send)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            log.info("An upload was refused: %s", type(error).__name__)
            await refusal(400, _NO_FORM)(scope, receive, send)

    async def _result(self, event: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        session = QueryParams(scope["query_string"]).get("session_hash", "")
        if not _is_waiting(scope["app"].get_blocks()._queue, event, session):
            await refusal(404, _GONE)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except RuntimeError as error:  # another reader was faster; gradio's response says so
            if not isinstance(error.__cause__, HTTPException):
                raise


def _is_waiting(queue: Queue, event: str | None, session: str) -> bool:
    """Whether gradio holds a result for this event, or for the page's session."""
    if event is None:
        return session in queue.pending_messages_per_session
    return (
        event in queue.event_ids_to_events
        or event in queue.pending_messages_per_session
        or any(event in events for events in queue.pending_event_ids_session.values())
    )


def _refusing(send: Send) -> Send:
    """For endpoints that answer at once, gradio returns 500 for every refusal, even with a message."""
    start: Message | None = None

    async def send_rightly(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and message["status"] == 500:
            start = message
            return
        if start is not None:
            start["status"] = 500 if _said(message.get("body", b"")) in ("", BROKEN) else 400
            await send(start)
            start = None
        await send(message)

    return send_rightly


def _said(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("error") or "") if isinstance(answer, dict) else ""
