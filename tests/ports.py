"""Ports for servers that serve some seconds after their port was chosen, or once more after they were killed."""

from __future__ import annotations

import itertools
import os
import random
import socket

FIRST, EACH = 20_000, 2_000
"""Below those that systems give to whoever asks for any: nobody else takes one meanwhile. So many for each worker."""


def _of_this_worker() -> list[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 5
    ports = range(FIRST + worker * EACH, FIRST + (worker + 1) * EACH)
    first = random.SystemRandom().randrange(EACH)  # another run of the suite has them, too
    return [*ports[first:], *ports[:first]]


_PORTS = itertools.cycle(_of_this_worker())


def free_port() -> int:
    """A port of this machine that nobody serves on, another one each time."""
    while True:
        port = next(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
