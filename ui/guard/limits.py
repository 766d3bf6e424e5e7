"""Size limits of requests. Knows no route except those that take files."""

from __future__ import annotations

from contextlib import suppress

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.intake.picture import MAX_BYTES
from ui.guard.answers import refusal

MAX_BODY = 1_000_000
"""Bytes of a request without a file: far above any prompt, yet harmless; gradio has no limit."""
MAX_UPLOAD = MAX_BYTES + 1_000_000
"""Bytes of a request with a file, with a million for the form around it."""
MAX_HEADERS = 65_536
"""Bytes of all headers. uvicorn's own limit does not apply to headers that arrive at once."""
FORM_UPLOAD = "/gradio_api/upload"
UPLOADS = (
    *(FORM_UPLOAD, "/diorama/pictures", "/diorama/splats", "/diorama/splat/view"),
    *("/v1/images/edits", "/sdapi/v1/img2img", "/mcp"),
)


class BodyLimit:
    """Refuses a body that is too large: at once by its declared length, or as soon as too much has arrived."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
            await exchange.refuse(431, f"The headers are larger than {MAX_HEADERS:,} bytes. Clear this page's cookies.")
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > exchange.most):
            await exchange.refuse(413, exchange.too_large)
            return
        with suppress(_BadBody):  # answered, or the client has disconnected
            await self._app(scope, exchange.receive, exchange.send)


class _BadBody(MultiPartException):
    """Raised to whoever reads the body. A MultiPartException: for others, gradio's form reader leaves its files."""


class _Exchange:
    """One request and its response; counts the body as it arrives."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        self.most = MAX_UPLOAD if path in UPLOADS else MAX_BODY
        self.is_refused = False
        self._is_form_upload = path == FORM_UPLOAD
        self._scope, self._receive, self._send = scope, receive, send
        self._answering = False
        self._came = 0
        self._more = True

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and self._more and self._is_form_upload:
            raise _BadBody("The upload broke off.")
        if message["type"] == "http.request":
            self._came += len(message.get("body", b""))
            self._more = message.get("more_body", False)
            if self._came > self.most and not self._answering:
                await self.refuse(413, self.too_large)
                raise _BadBody("The body is too large.")
        return message

    async def send(self, message: Message) -> None:
        if self.is_refused:
            return  # the application's own response to an incomplete body
        self._answering = True
        await self._send(message)

    async def refuse(self, status: int, sentence: str) -> None:
        self.is_refused = True
        await refusal(status, sentence)(self._scope, self._receive, self._send)

    @property
    def too_large(self) -> str:
        if self.most == MAX_UPLOAD:
            return f"The file is larger than {MAX_BYTES // 10**6} MB. Save it smaller, or as a JPEG, and try again."
        return f"The request is larger than {MAX_BODY:,} bytes. Shorten its texts, and upload files as files."
