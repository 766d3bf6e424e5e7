"""What this machine has, told without importing torch, so that the page can say it before torch is loaded."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Of this process's container, on Linux. Source: https://docs.kernel.org/admin-guide/cgroup-v2.html"""


@dataclass(frozen=True)
class Gpu:
    """One graphics card; memory in GB (1e9 bytes)."""

    name: str
    total_gb: float
    free_gb: float
    capability: tuple[int, int]  # CUDA compute capability; (0, 0) where there is none, as on Apple chips
    index: int = 0  # in the order of nvidia-smi, which CUDA calls PCI_BUS_ID


@dataclass(frozen=True)
class Machine:
    """What models can count on."""

    system: str  # "Linux x86_64"
    cores: int
    ram_gb: float
    gpus: tuple[Gpu, ...]

    @property
    def gpu(self) -> Gpu | None:
        """The card models run on: the one with the most free memory."""
        return max(self.gpus, key=lambda gpu: gpu.free_gb, default=None)

    def __str__(self) -> str:
        chips = ", ".join(f"{gpu.name} ({gpu.total_gb:.0f} GB)" for gpu in self.gpus) or "no GPU"
        return f"{self.system}, {self.cores} CPU cores, {self.ram_gb:.0f} GB memory, {chips}"


def inspect() -> Machine:
    """Look at this machine: a few milliseconds, or as long as `nvidia-smi` takes where there is one (at most 5 s)."""
    ram_gb = _ram_gb()
    gpus = _nvidia_gpus()
    if not gpus and platform.system() == "Darwin" and platform.machine() == "arm64":
        # Apple chips share one memory; Metal hands a process at most about three quarters of it by default.
        gpus = (Gpu("Apple GPU", ram_gb, 0.75 * ram_gb, (0, 0)),)
    return Machine(f"{platform.system()} {platform.machine()}", _cores(), ram_gb, gpus)


def _cores() -> int:
    """Cores this process may use, which in a container is fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ram_gb() -> float:
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # Windows has no sysconf: an honest small guess
        return 8.0
    return min(physical, container_bytes(CONTAINER_LIMIT)) / 1e9


def container_bytes(limit: Path) -> float:
    """What a container may use, from the file that says so; infinite where nothing does."""
    try:
        return float(limit.read_text().strip())  # "max" where there is a file but no limit
    except (OSError, ValueError):
        return math.inf


def _nvidia_gpus() -> tuple[Gpu, ...]:
    command = [
        "nvidia-smi",
        "--query-gpu=index,name,memory.total,memory.free,compute_cap",
        "--format=csv,noheader,nounits",
    ]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return visible(parse_nvidia_smi(answer), os.environ.get("CUDA_VISIBLE_DEVICES", ""))


def visible(gpus: tuple[Gpu, ...], allowed: str) -> tuple[Gpu, ...]:
    """Those that a person lets programs see, by number; all where CUDA_VISIBLE_DEVICES says nothing or names them."""
    numbers = [number.strip() for number in allowed.split(",")]
    if not all(number.isdecimal() for number in numbers):
        return gpus
    return tuple(gpu for gpu in gpus if str(gpu.index) in numbers)


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """Read `nvidia-smi --query-gpu=index,name,memory.total,memory.free,compute_cap --format=csv,noheader,nounits`.

    Memory is in MiB there. A line with a field it cannot tell ("[N/A]", "[Insufficient Permissions]") is left out.
    """
    gpus = []
    for line in text.splitlines():
        try:
            first, total, free, capability = (part.strip() for part in line.rsplit(",", 3))
            index, _, name = first.partition(",")
            major, minor = (int(part) for part in capability.split("."))
            total_gb, free_gb = (float(mib) * 2**20 / 1e9 for mib in (total, free))
            gpus.append(Gpu(name.strip(), total_gb, free_gb, (major, minor), int(index)))
        except ValueError:
            continue
    return tuple(gpus)
