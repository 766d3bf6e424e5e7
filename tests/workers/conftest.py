"""One NATS server for all tests in here; who needs to kill it, or another kind of it, starts one of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from studio.contract import ModelSpec
from studio.residents import Residents
from studio.service import Studio
from tests.patience import wait_until
from tests.workers.nats_server import NatsServer
from tests.workers.painting import connect
from workers import names
from workers.connection import Connection
from workers.remote import RemoteWorkers
from workers.worker import Worker, offered

StartWorker = Callable[..., Worker]
OpenApp = Callable[..., Studio]


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path_factory.mktemp("nats") / "jetstream")
    yield server
    server.kill()


@pytest.fixture
def connection(one_server: NatsServer) -> Iterator[Connection]:
    """To an empty server."""
    connection = connect(one_server.address)
    yield connection
    connection.call(_empty(connection))
    connection.close()


async def _empty(connection: Connection) -> None:
    for name in (names.JOBS, names.DEAD, f"KV_{names.WORKERS}", f"OBJ_{names.PICTURES}"):
        await connection.stream.purge_stream(name)


@pytest.fixture
def start_worker(connection: Connection, one_server: NatsServer) -> Iterator[StartWorker]:
    """`start_worker(spec, ...)`: a worker on a connection of its own."""
    with ExitStack() as opened:

        def start(*specs: ModelSpec, host: str = "box", machine: str = "CPU") -> Worker:
            own = connect(one_server.address, host)
            opened.callback(own.close)
            worker = Worker(own, offered(specs), Residents(1.0), machine, host)
            opened.callback(worker.close)
            return worker

        yield start


@pytest.fixture
def open_app(connection: Connection, tmp_path: Path) -> Iterator[OpenApp]:
    """`open_app(spec, ...)`: a studio with these models of its own, and the workers'."""
    with ExitStack() as opened:

        def start(*specs: ModelSpec, awaited: int = 1, **options: Any) -> Studio:
            workers = RemoteWorkers(connection)
            studio = Studio(specs, tmp_path / "outputs", workers=workers, **options)
            opened.callback(studio.close)
            wait_until(lambda: len(workers.present()) >= awaited)
            return studio

        yield start
