"""Which program is calling: identified by its key; without one, only on a machine that serves nobody else."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.routing import BaseRoute

from studio.client_keys import ClientKeys
from studio.errors import StudioError, UnknownModel
from ui.guard.answers import refusal
from ui.programs.failures import status_of
from ui.routes.visitors import Caller, NotAdmitted, Visitors

log = logging.getLogger(__name__)

_NO_KEY = "This Diorama requires a key: python cli.py key add NAME makes one; send it as Authorization: Bearer KEY."


class Assistants(Protocol):
    """The MCP server, see `mcp_http`: loaded only if requested."""

    routes: list[BaseRoute]

    def lifespan(self, app: Any) -> AbstractAsyncContextManager[None]:
        """Runs as long as the server does."""
        ...


class Access:
    """Identifies programs."""

    def __init__(self, visitors: Visitors, keys: ClientKeys | None) -> None:
        """
        Args:
            keys: the known keys; None: there are none.
        """
        self._visitors, self._keys = visitors, keys

    def caller(self, request: Request) -> Caller:
        """Raises NotAdmitted if a valid key is required and missing."""
        said = _key_in(request.headers.get("authorization", ""))
        known = self._keys.find(said) if said and self._keys else None
        owner = known.owner if known else self._visitors.anybody(request)
        if owner is None:
            raise NotAdmitted(_NO_KEY)
        return self._visitors.caller_as(request, owner)


def program_route(access: Access) -> type[APIRoute]:
    """A route that knows the caller before it reads a body (`request.state.caller`), and returns errors as messages."""

    class ProgramRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    request.state.caller = access.caller(request)
                    return await handle(request)
                except RequestValidationError as error:
                    name, sentence = _of_field(error.errors()[0], 1)
                    return refusal(400, sentence, param=name)
                except StudioError as error:
                    return failed(error)

            return answer

    return ProgramRoute


def failed(error: StudioError) -> Response:
    """The response to a request that failed with one of our errors."""
    is_model = isinstance(error, UnknownModel)
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotAdmitted) else None
    more = {"param": "model", "code": "model_not_found"} if is_model else {}
    return refusal(404 if is_model else status_of(error), str(error), headers, **more)


def _key_in(header: str) -> str:
    """The key in an Authorization header: OpenAI's clients send it as the token, A1111's as the password."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def sentence_of(error: ValidationError) -> str:
    """The same message for a body received in another way."""
    return _of_field(error.errors()[0], 0)[1]


def _of_field(first: Any, start: int) -> tuple[str | None, str]:
    """The invalid field, and a message. The value is not repeated: it may be a key."""
    if (
        first["type"] in ("json_invalid", "model_attributes_type", "model_type", "dict_type")
        or len(first["loc"]) <= start
    ):
        return None, "The body of this request has the wrong form: see /v1/openapi.json."
    name = ".".join(str(part) for part in first["loc"][start:])[:60]
    why = first["msg"][:1].lower() + first["msg"][1:].rstrip(".")
    return name, f"{name} is missing." if first["type"] == "missing" else f"{name} is wrong: {why}."
