"""Time estimates for this CPU: one second of work is measured once, and stored next to the downloads.

The work of a model is counted (torch's FlopCounterMode on meta tensors); estimates assume an idle machine.
"""

from __future__ import annotations

import json
import os
import pkgutil
import threading
from pathlib import Path
from typing import NamedTuple

from studio.contract import Size

PATIENCE_SECONDS = 4.0
"""How long the page waits for the measurement, once; later requests find it."""
NETWORK_TFLOP, DECODE_TFLOP = 0.0522, 0.0387
"""Of the measured work."""


class Work(NamedTuple):
    """TFLOP at 512 x 512 pixels, and the part of them that grows with the square of the area."""

    step: float
    step_squared: float
    decode: float

    def seconds(self, steps: int, size: Size, speed: tuple[float, float]) -> float:
        area = size.width * size.height / 512**2
        one = (self.step - self.step_squared) * area + self.step_squared * area**2
        return steps * one / speed[0] + self.decode * area / speed[1]


class Speed:
    """Of this machine. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "diorama-speed.json"
        self._lock, self._thread = threading.Lock(), threading.Thread()

    def tflops(self) -> tuple[float, float] | None:
        """TFLOP a second in a network and in an autoencoder; None while unknown."""
        if found := self._read():
            return found
        with self._lock:
            is_first = not self._thread.ident
            if is_first:  # not a daemon, as torch aborts a process that exits while computing
                self._thread = threading.Thread(target=self._measure, name="speed")
                self._thread.start()
        if is_first:
            self._thread.join(PATIENCE_SECONDS)
        return self._read()

    def _read(self) -> tuple[float, float] | None:
        try:
            said = json.loads(self._file.read_text(encoding="utf-8"))
            return (float(said["network"]), float(said["decode"])) if said["cores"] == os.cpu_count() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _measure(self) -> None:
        network, decode = (pkgutil.resolve_name(f"pipelines.speed.pieces:{name}")() for name in ("network", "decode"))
        said = {"cores": os.cpu_count(), "network": NETWORK_TFLOP / network, "decode": DECODE_TFLOP / decode}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(said), encoding="utf-8")
