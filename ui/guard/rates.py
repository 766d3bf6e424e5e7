"""Rate limits: bursts first, then a steady pace. For a Diorama shared with others."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

import gradio as gr
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.errors import TooOften
from ui.guard.answers import refusal
from ui.guard.limits import UPLOADS
from ui.guard.sign_in.guesses import network
from ui.shared.bridge import Identify

MOST_KEYS = 10_000
"""Beyond this number, the least recent senders are forgotten."""


class Rate:
    """A token bucket per sender, refilled at a steady pace. Not thread-safe."""

    def __init__(self, at_once: int, a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            at_once: capacity of a bucket.
            a_second: refill rate.
            clock: monotonic, in seconds.
        """
        self._at_once, self._a_second, self._clock = at_once, a_second, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when they were counted

    def take(self, key: str) -> float:
        """Take a token. Returns the seconds to wait for one; 0.0: it was taken."""
        now = self._clock()
        permits, then = self._buckets.pop(key, (float(self._at_once), now))
        permits = min(self._at_once, permits + (now - then) * self._a_second)
        wait = max(0.0, (1.0 - permits) / self._a_second)
        self._buckets[key] = (permits if wait else permits - 1.0, now)
        while len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        return wait

    def demand(self, key: str) -> None:
        """Raises TooOften if there is no token."""
        if wait := self.take(key):
            raise TooOften(math.ceil(wait))


def of_owners() -> Rate:
    """For requests of one person: far above what a busy page sends."""
    return Rate(300, 20.0)


def noting(identify: Identify, came_from: Callable[[str, str], object]) -> Identify:
    """The same, and reports the address of senders who have not signed in to `came_from(owner, address)`.

    This machine's own address is left out, as for `AddressRates`.
    """

    def identified(request: gr.Request, token: str) -> str:
        owner, client = identify(request, token), request.client
        if request.username is None and client is not None and not _is_here(client.host):
            came_from(owner, network(client.host))
        return owner

    return identified


class AddressRates:
    """Limits requests per address, whoever the sender claims to be, since a new name costs nothing.

    The address is that of the connection; see `sign_in.attempts`. This machine's own address is left out, because it
    stands for everybody behind a tunnel or a proxy that does not forward addresses.
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
