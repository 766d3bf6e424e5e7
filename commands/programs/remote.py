"""The connection to the NATS server named on the command line or in `.env`, while a command runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from studio.scheduling.contract import NoWorkers, Workers
from studio.service import Studio


@contextmanager
def workers_at(address: str = "") -> Iterator[Workers]:
    """
    Args:
        address: such as nats://host:4222; "": the one in DIORAMA_NATS, if any.

    Raises:
        BadRequest: it is not an address.
        NotReady: no usable server there.
    """
    if not (address or os.environ.get("DIORAMA_NATS")):
        yield NoWorkers()
        return
    from workers.connection import Connection, Server  # slow to import, and unused without a server
    from workers.remote import RemoteWorkers

    connection = Connection(Server.found(os.environ, address), "Diorama")
    try:
        yield RemoteWorkers(connection)
    finally:
        connection.close()


def answer_there(workers: Workers, studio: Studio, owner: str) -> None:
    """Answer NeuroLux's requests on the workers' NATS server, as this owner; does nothing without one."""
    if isinstance(workers, NoWorkers):
        return
    from ui.programs.messages import Messages  # as above, and the page needs gradio anyway
    from workers.remote import RemoteWorkers
    from workers.subjects import serve

    if isinstance(workers, RemoteWorkers):
        messages = Messages(studio, owner)
        workers.connection.call(serve(workers.connection, messages.generate, messages.model_info))
