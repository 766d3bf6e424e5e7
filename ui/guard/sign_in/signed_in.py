"""Who is signed in: the tokens of their cookies, each with a name. A session ends by signing out, after long disuse,
and when its user is removed or gets a new password.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from gradio.routes import App

IDLE_SECONDS = 14 * 86_400
"""A session ends after this long without use."""
MOST = 10_000
"""Beyond this number, the least recently used sessions end."""


class UserDirectory(Protocol):
    """Who may sign in."""

    def session_mark(self, name: str) -> str | None:
        """Changes when the sessions of this name must end; None: there is no such user."""
        ...

    def is_admin(self, name: str) -> bool:
        """Whether this user is an admin."""
        ...


class _PasswordSession:
    def __init__(self, mark: str | None, used: float) -> None:
        self.mark, self.used = mark, used


class SignedIn(dict[str, str]):
    """Names by token, replacing gradio's `App.tokens`, which remembers every session for ever.

    Source: gradio 6.31, routes.py, which calls `get`, sets, lists and deletes.
    """

    def __init__(self, accounts: UserDirectory, now: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        """
        Args:
            now: monotonic, in seconds.
            most: limit for sessions.
        """
        super().__init__()
        self._accounts, self._now, self._most = accounts, now, most
        self._sessions: dict[str, _PasswordSession] = {}  # by token, most recently used last

    def __setitem__(self, token: str, name: str) -> None:
        super().__setitem__(token, name)
        self._sessions[token] = _PasswordSession(self._accounts.session_mark(name), self._now())
        while len(self) > self._most:
            del self[next(iter(self._sessions))]

    def __delitem__(self, token: str) -> None:
        super().__delitem__(token)
        self._sessions.pop(token, None)

    def get(self, token: str | None, default: str | None = None) -> str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The name behind a token; `default` if there is no such session."""
        name, session = super().get(token or ""), self._sessions.get(token or "")
        if name is None or session is None:
            return default
        mark, now = self._accounts.session_mark(name), self._now()
        if mark is None or mark != session.mark or now - session.used > IDLE_SECONDS:
            self.pop(token or "", None)
            self._sessions.pop(token or "", None)
            return default
        session.used = now
        self._sessions[token or ""] = self._sessions.pop(token or "", session)
        return name

    def end(self, name: str) -> int:
        """End all sessions of a name. Returns how many."""
        tokens = [token for token, known in list(self.items()) if known == name]
        for token in tokens:
            del self[token]
        return len(tokens)

    @asynccontextmanager
    async def lifespan(self, app: App) -> AsyncIterator[None]:
        """For `app_kwargs`: makes the server use these sessions."""
        app.tokens = self
        yield
