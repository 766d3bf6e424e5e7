"""This machine's hardware, without importing torch, so that the page can show it before torch is loaded."""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import psutil

from pipelines import zero_gpu
from pipelines.plan import ANYWHERE, BITSANDBYTES, Precision
from pipelines.zero_gpu import Lender
from studio.errors import BadRequest
from studio.model_files import Meter

CONTAINER_LIMIT, CONTAINER_SHARE = (Path(f"/sys/fs/cgroup/{name}.max") for name in ("memory", "cpu"))
"""Limits of this process's container, on Linux. Source: https://docs.kernel.org/admin-guide/cgroup-v2.html"""

AMD = "0x1002"
"""AMD's vendor id. Source: https://docs.kernel.org/gpu/amdgpu/driver-misc.html"""


@dataclass(frozen=True)
class Gpu:
    """One GPU; memory in GB (1e9 bytes)."""

    name: str
    total_gb: float
    free_gb: float
    capability: tuple[int, int]  # CUDA compute capability; (0, 0) without CUDA, as on Apple chips
    index: int = 0  # in the order of nvidia-smi, which CUDA calls PCI_BUS_ID


@dataclass(frozen=True)
class Machine:
    """What models can count on."""

    system: str  # "Linux x86_64"
    cores: int
    ram_gb: float
    gpus: tuple[Gpu, ...]
    can: frozenset[Precision] = ANYWHERE  # precisions the installed packages support
    note: str = ""  # a sentence about what the user could fix; "": nothing
    compiler: bool = False  # torch.compile's compiler is installed
    lender: Lender | None = None  # lends a GPU for single calls, on ZeroGPU

    @property
    def gpu(self) -> Gpu | None:
        """The GPU for models: the one with the most free memory."""
        return max(self.gpus, key=lambda gpu: gpu.free_gb, default=None)

    @property
    def models_gb(self) -> float:
        """Memory budget of the loaded models."""
        return self.gpu.total_gb if self.gpu else self.ram_gb / 2

    def __str__(self) -> str:
        chips = ", ".join(f"{gpu.name} ({gpu.total_gb:.0f} GB)" for gpu in self.gpus) or "no GPU"
        return f"{self.system}, {self.cores} CPU cores, {self.ram_gb:.0f} GB memory, {chips}"


def inspect() -> Machine:
    """Inspect this machine: a few milliseconds, or as long as `nvidia-smi` takes if there is one (at most 5 s).

    DIORAMA_GPU chooses a GPU by number or part of its name, DIORAMA_VRAM_GB limits its memory.

    Raises:
        BadRequest: one of them is invalid.
    """
    ram_gb = min(psutil.virtual_memory().total, container_bytes(CONTAINER_LIMIT)) / 1e9
    build, note = torch_build(), ""
    if zero_gpu.is_here():
        card = Gpu("ZeroGPU", zero_gpu.GPU_GB, zero_gpu.GPU_GB, zero_gpu.CAPABILITY)
        system = f"{platform.system()} {platform.machine()}"
        return Machine(system, _cores(), ram_gb, (card,), installed(), lender=zero_gpu.lender())
    found = _nvidia_gpus() or amd_gpus(Path("/sys/class/drm"))
    gpus = chosen(found, os.environ) if build != "CPU" else ()
    if found and not gpus:
        note = f"{found[0].name} is not used: the installed PyTorch runs on CPUs only. README says which to install."
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        # Apple chips share one memory; Metal gives a process about three quarters of it by default.
        gpus = chosen((Gpu("Apple GPU", ram_gb, 0.75 * ram_gb, (0, 0)),), os.environ)
    system, compiler = f"{platform.system()} {platform.machine()}", find_spec("triton") is not None
    return Machine(system, _cores(), ram_gb, gpus, installed(), note, compiler)


def chosen(gpus: tuple[Gpu, ...], said: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The GPUs that the user wants used, with the memory they allow.

    Raises:
        BadRequest: DIORAMA_GPU matches none, or DIORAMA_VRAM_GB is no size.
    """
    wanted, most = said.get("DIORAMA_GPU", "").strip(), said.get("DIORAMA_VRAM_GB", "").strip()
    if wanted and gpus:
        by_number = [gpu for gpu in gpus if wanted == str(gpu.index)]
        named = tuple(by_number or [gpu for gpu in gpus if wanted.lower() in gpu.name.lower() and len(wanted) > 2])
        if not named:
            there = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in gpus)
            raise BadRequest(f"DIORAMA_GPU is {wanted[:60]}, and the cards here are {there}. Correct it in .env.")
        gpus = named
    if not most:
        return gpus
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", most) or not float(most):
        raise BadRequest(f"DIORAMA_VRAM_GB must be a size in GB such as 8, not {most[:60]}. Correct it in .env.")
    return tuple(replace(gpu, total_gb=min(gpu.total_gb, float(most))) for gpu in gpus)


def installed() -> frozenset[Precision]:
    """The precisions possible with the installed packages."""
    packed = BITSANDBYTES if find_spec("bitsandbytes") else frozenset[Precision]()
    files = frozenset(each for each in Precision if each.is_file) if find_spec("gguf") else frozenset[Precision]()
    return ANYWHERE | packed | files


def torch_build() -> str:
    """The installed PyTorch's platform, "CUDA", "ROCm" or "CPU", read from its files without importing it.

    macOS builds count as CPU.
    """
    found = find_spec("torch")
    text = Path(found.origin).with_name("version.py").read_text(encoding="utf-8") if found and found.origin else ""
    for name, build in (("cuda", "CUDA"), ("hip", "ROCm")):
        if re.search(rf"^{name}\b[^=]*= *['\"]", text, re.MULTILINE):
            return build
    return "CPU"


def processor_name() -> str:
    """The processor's name according to Linux, or else Python."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", maxsplit=1)[1].strip()
    return platform.processor() or platform.machine()


def meters(machine: Machine, free_bytes: Callable[[], int]) -> list[Meter]:
    """Usage of the GPU, of main memory, and of the disk for downloads.

    Args:
        free_bytes: of that disk.
    """
    found: list[Meter] = []
    if machine.gpu and machine.gpu.capability != (0, 0):
        now = next((gpu for gpu in _nvidia_gpus() if gpu.index == machine.gpu.index), machine.gpu)
        found.append(Meter(machine.gpu.name, now.total_gb - now.free_gb, now.total_gb))
    memory = psutil.virtual_memory()
    found.append(Meter("Memory", machine.ram_gb - min(machine.ram_gb, memory.available / 1e9), machine.ram_gb))
    return [*found, Meter("Disk", 0.0, free_bytes() / 1e9)]


def _cores() -> int:
    """Cores this process may use; in a container, fewer than the machine has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, container_cores(CONTAINER_SHARE) or allowed)


def container_bytes(limit: Path) -> float:
    """A container's memory limit, from this file; infinite if there is none."""
    try:
        return float(limit.read_text(encoding="utf-8").strip())  # "max" where there is a file but no limit
    except (OSError, ValueError):
        return math.inf


def container_cores(share: Path) -> int:
    """A container's CPU limit in cores, rounded up; 0 if there is none.

    PyTorch does not respect it, and with a thread per core of the machine is many times slower then.
    """
    try:
        microseconds, period = share.read_text(encoding="utf-8").split()
        return math.ceil(int(microseconds) / int(period))  # "max 100000" where there is a file but no bound
    except (OSError, ValueError, ZeroDivisionError):
        return 0


def nvidia_driver() -> str:
    """The version of NVIDIA's driver; "" without one."""
    return _nvidia_smi("driver_version").partition("\n")[0].strip()


def _nvidia_gpus() -> tuple[Gpu, ...]:
    answer = _nvidia_smi("index,name,memory.total,memory.free,compute_cap")
    return visible(parse_nvidia_smi(answer), os.environ.get("CUDA_VISIBLE_DEVICES", ""))


def _nvidia_smi(fields: str) -> str:
    """A line for each GPU; "" without a driver that answers."""
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def amd_gpus(folder: Path) -> tuple[Gpu, ...]:
    """AMD's discrete GPUs, as Linux lists them; ROCm's PyTorch calls all of them CUDA.

    Args:
        folder: /sys/class/drm.
    """
    gpus = []
    for device in sorted(folder.glob("card[0-9]*/device")):
        try:
            if (device / "vendor").read_text(encoding="utf-8").strip() != AMD:
                continue
            total, used = (
                int((device / f"mem_info_vram_{which}").read_text(encoding="utf-8")) for which in ("total", "used")
            )
        except (OSError, ValueError):
            continue
        if total >= 2e9:  # integrated graphics have less
            gpus.append(Gpu("AMD GPU", total / 1e9, (total - used) / 1e9, (9, 0), len(gpus)))
    return tuple(gpus)


def visible(gpus: tuple[Gpu, ...], allowed: str) -> tuple[Gpu, ...]:
    """The GPUs that CUDA_VISIBLE_DEVICES allows by number; all if it is unset or uses names."""
    numbers = [number.strip() for number in allowed.split(",")]
    if not all(number.isdecimal() for number in numbers):
        return gpus
    return tuple(gpu for gpu in gpus if str(gpu.index) in numbers)


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """Read `nvidia-smi --query-gpu=index,name,memory.total,memory.free,compute_cap --format=csv,noheader,nounits`.

    Memory is in MiB there. Lines with unknown fields ("[N/A]", "[Insufficient Permissions]") are left out.
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
