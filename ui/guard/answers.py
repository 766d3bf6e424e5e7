"""How a refusal is said: one sentence, under the names that gradio's two clients and ours look for."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

ABSENT = "There is nothing at this address. Client.view_api() of gradio_client says what there is."
SIGN_IN = "Sign in first: open the page of this Diorama, or give gradio_client auth=(NAME, PASSWORD)."
WRONG_METHOD = "This address takes another kind of request. Client.view_api() of gradio_client says which."
UNREADABLE = (
    "Diorama cannot make sense of this request. Client.view_api() of gradio_client says what each endpoint takes."
)


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer that says why a request was not done. Of a 422, gradio_client shows what looks like a validation."""
    validation = [{"__type__": "validate", "is_valid": False, "message": sentence}]
    return JSONResponse({"error": sentence, "detail": validation if status == 422 else sentence}, status, headers)


async def broken(_request: Request, _error: Exception) -> JSONResponse:
    """The answer where something of ours broke; the server writes the details into the log."""
    return refusal(500, UNREADABLE)


async def refused(_request: Request, error: Exception) -> Response:
    """What a route refused, as a sentence: those of gradio and Starlette are names of statuses, or nothing at all."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    told = error.detail if isinstance(error.detail, str) and error.detail.endswith(".") else ""
    return refusal(error.status_code, told or _SENTENCES.get(error.status_code, UNREADABLE), error.headers)


async def misshapen(_request: Request, _error: Exception) -> Response:
    """The answer to a request whose form is wrong. The values are not repeated: they may be anything."""
    return refusal(422, UNREADABLE)


HANDLERS = {Exception: broken, HTTPException: refused, RequestValidationError: misshapen}
"""For `Blocks.launch(app_kwargs={"exception_handlers": ...})`."""


_SENTENCES = {401: SIGN_IN, 404: ABSENT, 405: WRONG_METHOD}
