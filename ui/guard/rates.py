"""How often somebody may ask: much at once, and then at a steady pace. For those who share a Diorama with others."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from studio.errors import TooOften
from ui.guard.answers import refusal
from ui.guard.limits import UPLOADS
from ui.guard.sign_in.guesses import network

MOST_KEYS = 10_000
"""Askers that are kept in mind; the one that was away the longest is forgotten first."""


class Rate:
    """A bucket of permits for each asker, filled again at a steady pace. Belongs to one thread, or to its lock."""

    def __init__(self, at_once: int, a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            at_once: permits of a full bucket.
            a_second: permits that come back.
            clock: seconds that never run backwards.
        """
        self._at_once, self._a_second, self._clock = at_once, a_second, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # permits, and when they were counted

    def take(self, key: str) -> float:
        """Take a permit. Returns how many seconds to wait for one; 0.0: it was taken."""
        now = self._clock()
        permits, then = self._buckets.pop(key, (float(self._at_once), now))
        permits = min(self._at_once, permits + (now - then) * self._a_second)
        wait = max(0.0, (1.0 - permits) / self._a_second)
        self._buckets[key] = (permits if wait else permits - 1.0, now)
        while len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        return wait

    def demand(self, key: str) -> None:
        """
        Raises:
            TooOften: there is no permit.
        """
        if wait := self.take(key):
            raise TooOften(math.ceil(wait))


def of_owners() -> Rate:
    """Requests of one person: far above what a busy page sends."""
    return Rate(300, 20.0)


class AddressRates:
    """Refuses what comes from one address too often, whoever it says it is: a new name costs nothing.

    The address is that of the connection; see `sign_in.attempts`. This machine's own stands for all who come by a
    tunnel, or by a proxy that does not say for whom, and is left out.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._uploads, self._others = Rate(60, 2.0, clock), Rate(1_000, 50.0, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = (scope.get("client") or ("",))[0]
        if scope["type"] == "http" and scope["method"] == "POST" and not _is_here(address):
            rate = self._uploads if scope["path"].rstrip("/") in UPLOADS else self._others
            if wait := rate.take(network(address)):
                error = TooOften(math.ceil(wait))
                await refusal(429, str(error), {"Retry-After": str(error.seconds), "Connection": "close"})(
                    scope, receive, send
                )
                return
        await self._app(scope, receive, send)


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
