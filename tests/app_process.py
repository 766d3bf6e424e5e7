"""The real app with the real models in a process of its own, for the tests and the screenshots."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.ui.driver import free_port

ROOT = Path(__file__).resolve().parents[1]


class AppProcess:
    """Started by the constructor, which returns once the page is served."""

    def __init__(self, outputs: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        command = [sys.executable, "app.py", "--port", str(port), "--outputs", str(outputs)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout
        for line in iter(self._process.stdout.readline, ""):
            if self.url.rstrip("/") in line:
                return
        raise AssertionError("the app ended before it served the page")

    def stop(self) -> None:
        """End it as service managers do, and see that it left in good order."""
        self._process.send_signal(signal.SIGTERM)
        told, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, told
        assert "Traceback" not in told
