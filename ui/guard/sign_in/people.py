"""People signed in with an external account: sessions in memory, identified by a cookie. Knows no HTTP.

Neither the cookie nor the page contains the account's token: it is passed to the key store, and removed when that
person's last session ends.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from studio.errors import BadRequest

SESSION, SIGNING_IN = "diorama-session", "diorama-signing-in"
"""Names of the cookies, after and during sign-in."""
MOST = 10_000
"""Beyond this number, the least recently used sessions end."""
_OWNER = "hf-"


class Person(Protocol):
    """Somebody who signed in."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def seconds(self) -> float: ...


class IdentityProvider(Protocol):
    """Where people have their accounts."""

    @property
    def provider(self) -> str:
        """Its name for people."""
        ...

    def address(self, state: str, verifier: str, redirect_uri: str) -> str:
        """Where to send a browser to sign in."""
        ...

    def person(self, code: str, verifier: str, redirect_uri: str) -> Person:
        """The person with this code; raises a StudioError. Waits for the provider."""
        ...


@dataclass
class _AccountSession:
    owner: str
    name: str
    token: str = field(repr=False)
    ends: float


class People:
    """Thread-safe."""

    def __init__(
        self, provider: IdentityProvider, keep: Callable[[str, str], object], now: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            keep: stores (owner, token) for as long as a session lasts; a token of "" removes it.
            now: monotonic, in seconds.
        """
        self.provider = provider.provider
        self._provider, self._keep, self._now = provider, keep, now
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, _AccountSession] = OrderedDict()  # by cookie, the ones used most recently last

    def begin(self, redirect_uri: str) -> tuple[str, str]:
        """Where to send a browser, and its cookie SIGNING_IN until it comes back."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        return self._provider.address(state, verifier, redirect_uri), f"{state}.{verifier}"

    def finish(self, cookie: str, state: str, code: str, redirect_uri: str) -> tuple[str, float]:
        """The browser came back. Returns its cookie SESSION, and how many seconds that is valid.

        Raises:
            BadRequest: it is another browser, or has no code.
            StudioError: from the provider.
        """
        sent, _, verifier = cookie.partition(".")
        if not verifier or not hmac.compare_digest(sent.encode(), state.encode()):
            raise BadRequest("This is not the browser that began to sign in, or it keeps no cookies. Sign in again.")
        if not code:
            raise BadRequest(f"You did not sign in with {self.provider}. Try again, or continue without signing in.")
        person = self._provider.person(code, verifier, redirect_uri)
        session, owner = secrets.token_urlsafe(32), f"{_OWNER}{person.id}"
        with self._lock:
            now = self._now()
            for each in [each for each, old in self._sessions.items() if old.ends <= now]:
                self._end(each)
            self._keep(owner, person.token)
            self._sessions[session] = _AccountSession(owner, person.name, person.token, now + person.seconds)
            while len(self._sessions) > MOST:
                self._end(next(iter(self._sessions)))
        return session, person.seconds

    def owner_of(self, cookies: Mapping[str, str]) -> str | None:
        """The owner of a browser's session; None: no session."""
        session = self._of(cookies)
        return session and session.owner

    def name_of(self, cookies: Mapping[str, str]) -> str:
        """The name of the person who is signed in; "": nobody."""
        session = self._of(cookies)
        return session.name if session else ""

    def sign_out(self, cookies: Mapping[str, str]) -> None:
        with self._lock:
            if cookies.get(SESSION, "") in self._sessions:
                self._end(cookies[SESSION])

    def owners(self) -> set[str]:
        """Everybody who is signed in."""
        with self._lock:
            return {session.owner for session in self._sessions.values()}

    def end(self, owner: str) -> None:
        """End all sessions of an owner."""
        with self._lock:
            for each in [each for each, session in self._sessions.items() if session.owner == owner]:
                self._end(each)

    def _of(self, cookies: Mapping[str, str]) -> _AccountSession | None:
        key = cookies.get(SESSION, "")
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if session.ends <= self._now():
                self._end(key)
                return None
            self._sessions.move_to_end(key)
            return session

    def _end(self, key: str) -> None:
        ended = self._sessions.pop(key)
        others = [session.token for session in self._sessions.values() if session.owner == ended.owner]
        self._keep(ended.owner, others[-1] if others else "")
