"""A smaller store for gradio's sessions (an open page, or a single call of a program), which eventually expire.

For its deep links, gradio copies the settings of every component into each session, 200 KB, and drops a session only
after 10,000 others. Diorama has no deep links: here a session only holds the components that were changed for it, and
equal ones are shared.

Source: gradio 6.31, state_holder.py and queueing.py.
"""

from __future__ import annotations

import datetime
import threading
from collections import ChainMap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr
from gradio.blocks import BlocksConfig
from gradio.components import Component
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder

MAX_SESSIONS, MAX_SPARE = 2_000, 200
"""Limits for sessions, and for those among them that are spare."""


class Session(SessionState):
    """The page's own components, overlaid with those changed for this session."""

    def __init__(self, page: gr.Blocks, alike: WeakValueDictionary[tuple[int, str], Any]) -> None:
        """
        Args:
            alike: components of all sessions, by number and constructor arguments.
        """
        # Does not call the base class, which copies all settings.
        shared = page.default_config
        self.blocks_config = BlocksConfig(shared.root_block)
        self._own: dict[int, Any] = {}
        self._alike = alike
        blocks: Any = ChainMap(self._own, shared.blocks)
        self.blocks_config.blocks = blocks
        self.blocks_config.fns, self.blocks_config.fn_id = shared.fns, shared.fn_id  # no `gr.render` adds functions
        self.config_values = {}
        self.state_data = {}
        self._state_ttl = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 0

    @property
    def is_spare(self) -> bool:
        """Whether it equals a new one, or its page was closed."""
        return self.is_closed or not (self._own or self.state_data)

    def __setitem__(self, key: int, value: Any) -> None:
        if isinstance(value, Component) and not value.stateful:
            value = self._alike.setdefault((key, repr(value.constructor_args)), value)
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        """For deep links only."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """For deep links only."""


class Sessions(StateHolder):
    """The sessions of one server; the least recently used are forgotten first."""

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__()
        self._changing = threading.Lock()
        self._alike: WeakValueDictionary[tuple[int, str], Any] = WeakValueDictionary()
        self.set_blocks(page)

    def __getitem__(self, session_id: str) -> SessionState:
        with self._changing:
            session = self.session_data.get(session_id)
            if session is None:
                session = self.session_data[session_id] = Session(self.blocks, self._alike)
            session.is_closed = False
            self.session_data.move_to_end(session_id)
            self.time_last_used[session_id] = datetime.datetime.now()
            self._forget_some()
            return session

    def _forget_some(self) -> None:
        if len(self.session_data) % MAX_SPARE == 0:  # rarely, because it checks all
            spare = [id for id, session in self.session_data.items() if getattr(session, "is_spare", False)]
            for session_id in spare[:-MAX_SPARE]:
                self._forget(session_id)
        while len(self.session_data) > MAX_SESSIONS:
            self._forget(next(iter(self.session_data)))

    def _forget(self, session_id: str) -> None:
        self.session_data.pop(session_id, None)
        self.time_last_used.pop(session_id, None)
        queue = self.blocks._queue
        if not queue.pending_event_ids_session.get(session_id):  # nothing in progress, or waiting to be fetched
            queue.pending_event_ids_session.pop(session_id, None)
            queue.pending_messages_per_session.pop(session_id, None)


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """For `app_kwargs`: makes the server use these sessions."""
    app.state_holder = Sessions(app.get_blocks())
    yield
