"""How the page reaches the studio: whose request it is, and how errors are shown. Knows no tab."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fastapi
import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from studio.errors import StudioError
from studio.service import Studio
from ui.shared.scripts import component

Identify = Callable[[gr.Request, str], str]
"""(request, the browser's random token) -> owner: "local", the user's name, or a hash of the token."""
Named = Mapping[str, Block]
"""Components by name: handlers take and return values by name, so that the order of widgets does not matter."""

QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private", "queue": False}
"""For every listener of the page: private, not queued, and without progress indicators."""
RAW: dict[str, Any] = QUIET | {"preprocess": False}
"""For listeners that take the values as the browser sends them."""
LATEST: dict[str, Any] = RAW | {"trigger_mode": "always_last"}
"""The same, where what is chosen while an answer is under way is asked about after it; else gradio forgets it."""
BROKEN = "Something went wrong; the log has the details."
"""The message for a bug."""


@dataclass(frozen=True)
class Bridge:
    """Gives handlers the studio and the owner. Handlers are module-level functions that return values by name."""

    studio: Studio
    identify: Identify
    visitor: gr.BrowserState  # the browser's random token; the first input of every listener that needs an owner

    def listener(self, handler: Callable[..., dict[str, Any]], named: Named) -> Callable[..., Any]:
        """`handler(studio, owner, *values, **values_by_name)` as a gradio listener. Our errors become toasts."""

        def listen(request: gr.Request, token: str, *values: Any, **by_name: Any) -> Any:
            with _errors_as_toasts():
                answer = handler(self.studio, self.identify(request, token), *values, **by_name)
            return {named[name]: value for name, value in answer.items()}

        return listen

    def event_listener(self, handler: Callable[..., dict[str, Any]], named: Named, needed: str) -> Callable[..., Any]:
        """`handler(studio, owner, event, *values)`, for events with data of their own, including `needed`."""
        listen = self.listener(handler, named)

        def listen_to_event(request: gr.Request, event: gr.EventData, token: str, *values: Any) -> Any:
            if needed not in (event._data or {}):
                raise gr.Error(f"The page sent an event without its {needed}. Reload it.", print_exception=False)
            return listen(request, token, event, *values)

        return listen_to_event

    def add(self, path: str, arrival: Dependency, told: Callable[[Studio], dict[str, Any]] = lambda _: {}) -> None:
        """Add one of our components to the current Blocks, see `scripts.component`, and give it the browser's token.

        Args:
            arrival: the event after which the token is known.
            told: what else its scripts are told to begin with.
        """
        part = component(path)
        arrive = self.open_listener(lambda studio, token: {"part": {"token": token, **told(studio)}}, {"part": part})
        arrival.then(arrive, [self.visitor], [part], **QUIET)

    def open_listener(self, handler: Callable[..., dict[str, Any]], named: Named) -> Callable[..., Any]:
        """`handler(studio, *values)`, for what is the same for everybody."""

        def listen(*values: Any) -> Any:
            with _errors_as_toasts():
                answer = handler(self.studio, *values)
            return {named[name]: value for name, value in answer.items()}

        return listen


def signed_in(request: fastapi.Request) -> str | None:
    """The signed-in user, looked up by their cookie like gradio does; None if nobody is."""
    app = request.app
    token = request.cookies.get(f"access-token-{app.cookie_id}") or request.cookies.get(
        f"access-token-unsecure-{app.cookie_id}"
    )
    return app.tokens.get(token)


@contextmanager
def _errors_as_toasts() -> Iterator[None]:
    try:
        yield
    except StudioError as error:
        raise gr.Error(html.escape(str(error)), print_exception=False) from error
