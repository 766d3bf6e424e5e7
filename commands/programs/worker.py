"""The terminal verb `worker`: makes pictures for a Diorama on another machine, through NATS. No gradio."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any

from app import chips
from commands import terminal
from commands.environment import use_gpu
from commands.options import OUTPUTS, own_checkpoints, own_models
from pipelines import catalog
from pipelines.machine import inspect
from studio.errors import NotReady
from studio.residents import Residents


def add_verbs(verbs: Any) -> None:
    """Add worker to the parser's verbs."""
    working = verbs.add_parser("worker", help="make pictures for a Diorama on another machine, through a NATS server")
    working.set_defaults(verb=work)
    working.add_argument(
        "--nats", metavar="ADDRESS", default="", help="the server, as in nats://host:4222 (default: DIORAMA_NATS)"
    )
    working.add_argument("--name", default="", help="the name people see (default: the name of this machine)")


def work(options: argparse.Namespace) -> int:
    """Run until Ctrl+C; the current job then goes to another worker."""
    from workers.connection import Connection, Server  # slow to import
    from workers.worker import Worker, offered

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    server = Server.found(os.environ, options.nats)
    machine = inspect()
    use_gpu(machine)
    specs = offered((*catalog.models(machine), *own_models(own_checkpoints(OUTPUTS), machine)()))
    if not specs:
        raise NotReady("No model here is ready to make pictures. Download one first: python cli.py download MODEL.")
    connection = Connection(server, "Diorama worker")
    residents = Residents(machine.models_gb)
    worker = Worker(connection, specs, residents, chips(machine), options.name)
    try:
        print(f"Working for {server.shown} as {worker.host}: {', '.join(spec.id for spec in specs)}", file=sys.stderr)
        worker.wait()
    finally:
        worker.close()
        connection.close()
    return terminal.start_again() if residents.gpu_lost.is_set() and terminal.may_start_again() else 2
