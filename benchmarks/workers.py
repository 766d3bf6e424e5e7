"""More machines through NATS: speed-up, time until a dead worker is replaced, cost of a long queue.

Run `python -m benchmarks.workers`. The server and every worker are processes on this machine; the model sleeps for a
second, so only the overhead is measured. Memory is read from /proc: Linux only.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.memory_per_call import resident_kb
from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from studio.contract import GenerateRequest, ImageRequest, Size
from studio.scheduling.contract import JobView
from studio.service import Studio
from tests.patience import wait_until
from tests.studio.fakes import OWNER
from tests.workers.nats_server import NatsServer
from tests.workers.painting import MODEL, connect
from tests.workers.storm import Program
from workers import codec, names
from workers.connection import Connection
from workers.remote import RemoteWorkers

SECONDS = 1.0  # per picture
OF_ONE = 32  # limit of one owner's waiting jobs


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, jobs=10, queued=1000)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        server = NatsServer(Path(folder) / "jetstream")
        opened.callback(server.kill)
        connection = connect(server.address, "app")
        opened.callback(connection.close)
        studio = Studio([], Path(folder) / "outputs", workers=RemoteWorkers(connection))
        opened.callback(studio.close)
        rows = queue_rows(studio, server, connection, options.queued)
        workers = [Program("work", server.address, SECONDS)]
        opened.callback(lambda: [worker.kill() for worker in workers])
        wait_until(lambda: len(studio.workers.present()) == 1)
        one = rate(studio, options.jobs)
        workers += [Program("work", server.address, SECONDS) for _ in range(2)]
        wait_until(lambda: len(studio.workers.present()) == 3)
        three = rate(studio, 3 * options.jobs)
        with deaf_listener(server):
            beside = rate(studio, 3 * options.jobs)
        rows += [
            Row("1 worker", one, options.jobs, unit="pictures/s"),
            Row("3 workers", three, 3 * options.jobs, unit="pictures/s"),
            Row("3 workers / 1 worker", three / one, 3 * options.jobs, ">= 2.7", unit="x"),
            Row("3 workers, beside one who hears and never reads", beside, 3 * options.jobs, unit="pictures/s"),
            Row("until a killed worker's job is taken over", takeover(studio, workers), 1, "<= 10 s", unit="s"),
        ]
    print_table("Workers", rows)


def ask(studio: Studio, owner: str, seed: int) -> JobView:
    return studio.generate(owner, GenerateRequest("a picture", MODEL, seed=seed))


def rate(studio: Studio, count: int) -> float:
    """Pictures per second, all requested at the start."""
    for number in range(len(studio.workers.present())):
        ask(studio, OWNER, number)  # the first one of each worker loads its model
    wait_until(lambda: all(job.is_over for job in studio.jobs(OWNER, 1)))
    began = time.monotonic()
    jobs = [ask(studio, f"owner {number // OF_ONE}", number) for number in range(count)]
    wait_until(lambda: all(studio.job(job.owner, job.id).is_over for job in jobs))
    return count / (time.monotonic() - began)


def takeover(studio: Studio, workers: list[Program]) -> float:
    """Seconds from kill -9 of the busy worker until another one reports on the same job."""
    job = ask(studio, OWNER, 1)
    note = lambda: studio.job(OWNER, job.id).note  # noqa: E731
    wait_until(lambda: note().startswith("in process"))
    first = note()
    next(worker for worker in workers if first == f"in process {worker.process.pid}").kill()
    began = time.monotonic()
    wait_until(lambda: note().startswith("in process") and note() != first)
    return time.monotonic() - began


def queue_rows(studio: Studio, server: NatsServer, connection: Connection, count: int) -> list[Row]:
    """The cost of waiting jobs: in the app, and as messages on the server."""
    busy = Program("work", server.address, 1e6)
    wait_until(studio.workers.models)
    app_kb, server_kb = resident_kb(os.getpid()), resident_kb(server.pid)
    jobs = [ask(studio, f"owner {number // OF_ONE}", number) for number in range(count)]
    app_mb = (resident_kb(os.getpid()) - app_kb) / 1e3
    values, _ = codec.request_values(ImageRequest("a picture", Size(64, 64), seed=0, steps=1, guidance=1.0))
    for number in range(count):
        message = codec.dumped(codec.Job(f"queued-{number}", "gpu", "nobody", values))
        connection.call(connection.stream.publish(names.jobs("gpu", "nobody"), message))
    server_mb = (resident_kb(server.pid) - server_kb) / 1e3
    for job in jobs:
        studio.cancel(job.owner, job.id)
    wait_until(lambda: all(studio.job(job.owner, job.id).is_over for job in jobs))
    busy.kill()
    wait_until(lambda: not studio.workers.present())
    return [
        Row("waiting jobs, more memory of the app", app_mb, count, "< 100 MB", "MB"),
        Row("waiting jobs, more memory of the server", server_mb, count, "< 100 MB", "MB"),
    ]


@contextmanager
def deaf_listener(server: NatsServer) -> Iterator[None]:
    """A subscriber to all jobs that never reads its messages."""
    with socket.create_connection(("127.0.0.1", server.port)) as deaf:
        deaf.sendall(b'CONNECT {"verbose":false}\r\nSUB events.> 1\r\nSUB ai.> 2\r\nPING\r\n')
        yield


if __name__ == "__main__":
    main(sys.argv[1:])
