"""The real app with the real models in a process of its own, for the tests, the benchmarks and the screenshots."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]


class AppProcess:
    """Started by the constructor, which returns once the page is served."""

    def __init__(self, outputs: Path, *options: str, **environment: str) -> None:
        """
        Args:
            options: more of the command line.
            environment: what it finds there beside what is there already.
        """
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        self._lines: list[str] = []
        self._is_served = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), "--outputs", str(outputs), *options],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)  # an unread pipe would stop it once it is full
        self._reader.start()
        self._is_served.wait(PATIENCE_SECONDS)
        if not self.is_alive or not self._is_served.is_set():
            self._process.kill()
            raise AssertionError(f"the app has not served the page:\n{self.told}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def told(self) -> str:
        """What it has printed and logged so far."""
        return "".join(self._lines)

    def stop(self) -> None:
        """End it as service managers do, and see that it left in good order."""
        self.end()
        assert "Traceback" not in self.told

    def end(self) -> None:
        """The same, for an app that had reason to log what went wrong."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=PATIENCE_SECONDS)
        self._reader.join(timeout=PATIENCE_SECONDS)
        assert self._process.returncode == 0, self.told

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._lines.append(line)
                if self.url.rstrip("/") in line:
                    self._is_served.set()
        self._process.wait()
        self._is_served.set()
