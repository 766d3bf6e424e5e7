"""Network addresses of owners who have not signed in, since a new name costs them nothing but an address does."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Container

from studio.errors import TooManyJobs

MAX_FROM_ADDRESS = 256
"""Waiting jobs from one address without sign-in: eight people with full queues."""
MOST_OWNERS = 10_000
"""Beyond this number, the least recently seen are forgotten."""


class KnownAddresses:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._addresses: OrderedDict[str, str] = OrderedDict()  # by owner

    def note(self, owner: str, address: str) -> None:
        with self._lock:
            self._addresses[owner] = address
            self._addresses.move_to_end(owner)
            while len(self._addresses) > MOST_OWNERS:
                self._addresses.popitem(last=False)

    def admit(self, owner: str, waiting_of: Callable[[Container[str]], int]) -> None:
        """Raises TooManyJobs if too many jobs from this owner's address are waiting."""
        if waiting_of(self.beside(owner)) >= MAX_FROM_ADDRESS:
            raise TooManyJobs(MAX_FROM_ADDRESS, of_address=True)

    def beside(self, owner: str) -> frozenset[str]:
        """All owners last seen at this owner's address, including this one; none if it is unknown."""
        with self._lock:
            address = self._addresses.get(owner)
            return frozenset(each for each, other in self._addresses.items() if address and other == address)
