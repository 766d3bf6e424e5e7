"""Wrong password guesses, by address and by name, and how long the next guess has to wait. Knows no HTTP."""

from __future__ import annotations

import ipaddress
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

FREE = 5
"""Wrong guesses without a wait; then a second, doubling each time."""
LONGEST = 60.0
"""The longest wait, in seconds, even for those who know the password."""
FORGET = 900.0
"""In seconds after the last wrong guess."""
MOST = 10_000
"""Limit for addresses, and for names; the least recent are forgotten first."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Guesses:
    """Slows guessing down. A guess counts as wrong until it turns out right, so that parallel guesses gain nothing.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses: _Recent[str, _Wrong] = _Recent()
        self._names: _Recent[str, _Wrong] = _Recent()
        self._promised: _Recent[tuple[str, str], float] = _Recent()

    def admit(self, address: str, name: str) -> float:
        """Accept a guess, or return the seconds it has to wait.

        Guesses from elsewhere also make a name wait. But whoever was told to wait because of others is accepted after
        that time, whatever the others do meanwhile: nobody can be locked out.
        """
        address, name, now = network(address), _folded(name), self._clock()
        here, named = self._addresses.get(address), self._names.get(name)
        if here and here.wait(now) > 0:
            return here.wait(now)
        if named and named.wait(now) > 0:
            due = self._promised.get((address, name))
            if due is None or now - due > FORGET:
                due = now + named.wait(now)
                self._promised.put((address, name), due)
            if now < due:
                return due - now
        self._promised.drop((address, name))
        self._addresses.put(address, _Wrong.after(here, now))
        self._names.put(name, _Wrong.after(named, now))
        return 0.0

    def right(self, address: str, name: str) -> None:
        """The last accepted guess was right: forget the wrong ones before it."""
        self._addresses.drop(network(address))
        self._names.drop(_folded(name))


class _Wrong:
    """How many wrong guesses in a row, and when the last one was."""

    def __init__(self, times: int, last: float) -> None:
        self._times, self._last = times, last

    @classmethod
    def after(cls, before: _Wrong | None, now: float) -> _Wrong:
        times = before._times if before and now - before._last < FORGET else 0
        return cls(times + 1, now)

    def wait(self, now: float) -> float:
        """Seconds until the next guess is accepted."""
        if self._times < FREE or now - self._last >= FORGET:
            return 0.0
        return max(0.0, self._last + min(LONGEST, 2.0 ** min(self._times - FREE, 16)) - now)


class _Recent(Generic[Key, Value]):
    """The most recently used values, at most `MOST`."""

    def __init__(self) -> None:
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > MOST:
            self._values.popitem(last=False)

    def drop(self, key: Key) -> None:
        self._values.pop(key, None)


def _folded(name: str) -> str:
    """One key for all spellings of a name; long ones take no memory."""
    return unicodedata.normalize("NFKC", name[:200]).casefold().strip()


def network(address: str) -> str:
    """One key for all addresses of one person: for IPv6, a whole network (RFC 6177)."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:200]
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
