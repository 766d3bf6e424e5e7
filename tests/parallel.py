"""How many processes share the suite: `python -m tests.parallel` prints it."""

from __future__ import annotations

import os

import psutil

MOST = 4
GB_EACH = 4.0
"""With an app and a browser of its own."""


def count(cores: int, free_gb: float) -> int:
    """One more than there are cores, for each of them waits now and then, as far as memory goes."""
    return max(1, min(MOST, cores + 1, int(free_gb / GB_EACH)))


def main() -> None:
    """Print the number for this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(count(cores, psutil.virtual_memory().available / 1e9))


if __name__ == "__main__":
    main()
