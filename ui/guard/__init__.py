"""What protects the page: who may send requests, how many, and the headers of every response."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from gradio.route_utils import CustomCORSMiddleware
from gradio.routes import App
from starlette.middleware import Middleware

from ui.guard.answers import HANDLERS, broken
from ui.guard.gate import Calls
from ui.guard.headers import ResponseHeaders
from ui.guard.limits import FORM_UPLOAD, MAX_BODY, MAX_BYTES, MAX_UPLOAD, UPLOADS, BodyLimit
from ui.guard.origins import Origins
from ui.guard.routes import Routes
from ui.guard.sign_in.attempts import SignIn
from ui.guard.sign_in.guesses import Guesses

__all__ = ["FORM_UPLOAD", "MAX_BODY", "MAX_BYTES", "MAX_UPLOAD", "UPLOADS", "app_options", "broken", "middleware"]


def app_options(*, local_only: bool, hosts: Collection[str] = ()) -> dict[str, Any]:
    """Our `Blocks.launch(app_kwargs=...)` besides routes; arguments as for `middleware`."""
    return {
        "middleware": middleware(local_only=local_only, hosts=hosts),
        "exception_handlers": HANDLERS,
        "lifespan": _without_gradios_cors,
    }


def middleware(*, local_only: bool, hosts: Collection[str] = ()) -> list[Middleware]:
    """For `Blocks.launch(app_kwargs={"middleware": ...})`, outermost first.

    Args:
        local_only: accept only requests addressed to this machine by name.
        hosts: more host names of the app, such as that of a reverse proxy.
    """
    is_space = bool(os.environ.get("SPACE_ID"))
    return [
        Middleware(ResponseHeaders, is_space=is_space),
        Middleware(Origins, local_only=local_only, hosts=hosts, embedded=is_space),
        Middleware(BodyLimit),
        Middleware(Routes),
        Middleware(SignIn, guesses=Guesses()),
        Middleware(Calls),
    ]


@asynccontextmanager
async def _without_gradios_cors(app: App) -> AsyncIterator[None]:
    """Gradio adds a middleware before ours that lets pages of any origin read responses, even with cookies."""
    app.user_middleware = [each for each in app.user_middleware if each.cls is not CustomCORSMiddleware]
    app.middleware_stack = app.build_middleware_stack()
    yield
