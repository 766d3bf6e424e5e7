"""What the parts of `gpu` measure with: times, memory and FLOPs, up to a deadline."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_models import Sizes
from benchmarks.table import Row


@dataclass
class Bench:
    """One run: device, sizes and deadline.

    Attributes:
        missing: what was left out, one line each.
    """

    device: torch.device
    sizes: Sizes
    pairs: int
    ends: float
    rows: list[Row] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    tflops: float = 0.0  # of a large matrix product

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Run a part that may not fit into memory; if so, it is listed as missing."""
        try:
            yield
        except (torch.OutOfMemoryError, ImportError) as error:
            self.missing.append(f"{name}: {str(error).splitlines()[0]}")
        self.free()

    def has_time(self, name: str, seconds: float) -> bool:
        """Whether there is time left for a part that takes this long."""
        if self.sizes.is_tiny or time.monotonic() + seconds < self.ends:
            return True
        self.missing.append(f"{name}: the eight minutes were over")
        return False

    def free(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def seconds(self, work: Callable[[], object]) -> float:
        """Seconds until the GPU has finished."""
        self._wait()
        began = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - began

    def compare(self, name: str, ours: Callable[[], object], plain: Callable[[], object], promise: str = "") -> None:
        """Time both in turn after a warm-up; rows for both, the share of the floor, and the memory of each."""
        with FlopCounterMode(display=False) as counted:
            plain()
        peaks = {"ours": self._peak_gb(ours), "plain": self._peak_gb(plain) if self.device.type == "cuda" else 0.0}
        taken: dict[str, list[float]] = {"ours": [], "plain": []}
        for number in range(self.pairs):
            for who in ("ours", "plain") if number % 2 else ("plain", "ours"):
                taken[who].append(self.seconds(ours if who == "ours" else plain))
        floor = counted.get_total_flops() / 1e12 / self.tflops
        ratio = statistics.median(a / b for a, b in zip(taken["ours"], taken["plain"], strict=True))
        self.rows += [
            Row(f"{name}: plain", statistics.median(taken["plain"]), self.pairs, unit="s"),
            Row(f"{name}: ours", statistics.median(taken["ours"]), self.pairs, unit="s"),
            Row(f"{name}: ours to plain", ratio, self.pairs, promise, unit="x"),
            Row(f"{name}: of the floor, ours", floor / statistics.median(taken["ours"]), self.pairs),
            *(Row(f"{name}: peak, {who}", peak, 1, unit="GB") for who, peak in peaks.items() if peak),
        ]

    def _peak_gb(self, work: Callable[[], object]) -> float:
        if self.device.type != "cuda":
            work()
            return 0.0
        torch.cuda.reset_peak_memory_stats()
        work()
        self._wait()
        return torch.cuda.max_memory_allocated() / 1e9

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
