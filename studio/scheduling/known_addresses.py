"""From which addresses those come who have not signed in: a new name costs them nothing, another address does."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Container

from studio.errors import TooManyJobs

MAX_FROM_ADDRESS = 256
"""Waiting jobs of all who come from one address and have not signed in: eight people with full queues."""
MOST_OWNERS = 10_000
"""That are kept in mind; who was away the longest is forgotten first."""


class KnownAddresses:
    """Any thread may use it."""

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
        """
        Raises:
            TooManyJobs: of all who come from where this owner does, too many wait.
        """
        if waiting_of(self.beside(owner)) >= MAX_FROM_ADDRESS:
            raise TooManyJobs(MAX_FROM_ADDRESS, of_address=True)

    def beside(self, owner: str) -> frozenset[str]:
        """All who came last from where this owner did, this one too; nobody where that was not noted."""
        with self._lock:
            address = self._addresses.get(owner)
            return frozenset(each for each, other in self._addresses.items() if address and other == address)
