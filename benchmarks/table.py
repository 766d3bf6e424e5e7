"""The output of a benchmark: the machine, then a line per measurement."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.machine import processor_name


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, over how many cases, and the promise."""

    name: str
    value: float  # a share from 0 to 1 where the unit is "%"
    count: int
    promise: str = ""
    unit: str = "%"

    def __str__(self) -> str:
        number = f"{100 * self.value:6.1f} %" if self.unit == "%" else f"{self.value:6.{self._decimals()}f} {self.unit}"
        return f"{self.name:44} {number:>12} {self.count:>6}   {self.promise}".rstrip()

    def _decimals(self) -> int:
        return 1 if self.unit in ("ms", "MB") else 2


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Print the machine and the rows under a title."""
    print(f"\n{title}\n{machine()}\n")
    print(f"{'what':44} {'measured':>12} {'cases':>6}   promised")
    print("\n".join(str(row) for row in rows), flush=True)


def median_ms(name: str, seconds: Sequence[float], promise: str = "") -> Row:
    """The median of these times, in milliseconds."""
    return Row(name, 1000 * statistics.median(seconds), len(seconds), promise, "ms")


def machine() -> str:
    """This machine and its load average: numbers from a busy machine say little."""
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.platform()}, {processor_name()}, {os.cpu_count()} cores{busy}, Python {platform.python_version()}"
    )
