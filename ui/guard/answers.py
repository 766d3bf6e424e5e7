"""Error responses: one sentence, in the fields that gradio's two clients and ours expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

ABSENT = "There is nothing at this address. Client.view_api() of gradio_client says what there is."
SIGN_IN = "Sign in first: open the page of this Diorama, or give gradio_client auth=(NAME, PASSWORD)."
WRONG_METHOD = "This address takes another kind of request. Client.view_api() of gradio_client says which."
UNREADABLE = (
    "Diorama cannot make sense of this request. Client.view_api() of gradio_client says what each endpoint takes."
)
BROKEN = "Something went wrong; the log has the details."
PROGRAMS = ("/v1/", "/sdapi/", "/mcp")
"""The paths of APIs for other programs, whose clients expect other error formats and documentation."""
_NOTHING = "There is nothing at this address, or not for this method. /v1/openapi.json says what there is."


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None, **more: str | None) -> Response:
    """A response that says why a request failed, in the format its sender expects.

    Args:
        more: `param` and `code` of OpenAI's errors.
    """
    return _Refusal(status, sentence, headers, **more)


class _Refusal(Response):
    def __init__(
        self,
        status: int,
        sentence: str,
        headers: Mapping[str, str] | None,
        *,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(status_code=status, headers=headers)
        self._sentence, self._headers, self._param, self._code = sentence, headers, param, code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = self._openai() if get_route_path(scope).startswith("/v1/") else self._plain()
        await JSONResponse(content, self.status_code, self._headers)(scope, receive, send)

    def _plain(self) -> dict[str, Any]:
        """For a 422, gradio_client shows only what looks like a validation error."""
        validation = [{"__type__": "validate", "is_valid": False, "message": self._sentence}]
        return {"error": self._sentence, "detail": validation if self.status_code == 422 else self._sentence}

    def _openai(self) -> dict[str, Any]:
        """Source: https://platform.openai.com/docs/guides/error-codes/api-errors"""
        kind = "rate_limit_error" if self.status_code == 429 else "invalid_request_error"
        error = {
            "message": self._sentence,
            "type": "server_error" if self.status_code >= 500 else kind,
            "param": self._param,
            "code": self._code or _CODES.get(self.status_code),
        }
        return {"error": error, "detail": self._sentence}


_CODES = {
    401: "invalid_api_key",
    402: "billing_hard_limit_reached",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    429: "rate_limit_exceeded",
}


async def broken(request: Request, _error: Exception) -> Response:
    """The response to a bug, or to what gradio fails at; the server logs the details."""
    is_ours = get_route_path(request.scope).startswith("/diorama/")
    return refusal(500, BROKEN if is_ours else UNREADABLE)


async def refused(request: Request, error: Exception) -> Response:
    """The message for what a route refused; gradio's and Starlette's own are status names, or empty."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    told = error.detail if isinstance(error.detail, str) and error.detail.endswith(".") else ""
    return refusal(error.status_code, told or _sentence(request, error.status_code), error.headers)


async def misshapen(_request: Request, _error: Exception) -> Response:
    """The response to a malformed request. Its values are not repeated: they may be anything."""
    return refusal(422, UNREADABLE)


HANDLERS = {Exception: broken, HTTPException: refused, RequestValidationError: misshapen}
"""For `Blocks.launch(app_kwargs={"exception_handlers": ...})`."""


_SENTENCES = {401: SIGN_IN, 404: ABSENT, 405: WRONG_METHOD}


def _sentence(request: Request, status: int) -> str:
    if get_route_path(request.scope).startswith(PROGRAMS) and status in (404, 405):
        return _NOTHING
    return _SENTENCES.get(status, UNREADABLE)
